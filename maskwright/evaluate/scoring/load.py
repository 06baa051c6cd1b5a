"""An opened run, ready to score texts."""

from collections.abc import Sequence

from ...data.loader import length_schedule
from ...run.load import LoadedRun
from .backends import choose
from .scorer import Scorer
from .windows import BEFORE, Windows


def scorer(
    run: LoadedRun,
    backend: str | None = None,
    temperatures: Sequence[float] = (1.0,),
    batch_tokens: int = 4096,
    half: bool = False,
) -> tuple[str, Scorer]:
    """The backend's name, and what scores texts by the model of `run`, on the device that it was opened on.

    By default texts are scored as the model was trained. Raises ValueError when that is not known.
    """
    name, ask = choose(backend, run.objective)
    return name, Scorer(run.model, run.tokenizer, ask, temperatures, batch_tokens, half)


def windows(
    run: LoadedRun, backend: str, score: Scorer, length: int | None = None, stride: int | None = None
) -> Windows:
    """How the model of `run` reads a text that is too long: in windows as long as the longest rows that it was trained
    on, half of which is scored, unless `length` or `stride` say otherwise. Raises ValueError when the model takes less.
    """
    most = int(score.model.max_length)  # type: ignore[arg-type]
    if length is not None and length > most:
        raise ValueError(f"length={length}: the model takes max_length={most}")
    trained = max(rows for _, rows in length_schedule(run.config.rows.length)) if run.config else most
    length = length or min(trained, most)
    return Windows(length, stride or length // 2, BEFORE.get(backend, 0.5))
