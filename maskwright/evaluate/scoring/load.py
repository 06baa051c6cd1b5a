"""The scorer of an open run."""

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
    """The backend's name and the scorer for the model of `run`, on the device that it was opened on.

    By default the backend follows from the objective. Raises ValueError when that is unknown.
    """
    name, questions = choose(backend, run.objective)
    return name, Scorer(run.model, run.tokenizer, questions, temperatures, batch_tokens, half)


def windows(
    run: LoadedRun, backend: str, score: Scorer, length: int | None = None, stride: int | None = None
) -> Windows:
    """How the model of `run` reads texts that are too long: by default in windows of the longest training rows, half of
    which are scored. Raises ValueError when `length` exceeds the model's maximum.
    """
    most = int(score.model.max_length)  # type: ignore[arg-type]
    if length is not None and length > most:
        raise ValueError(f"length={length}: the model takes max_length={most}")
    trained = max(rows for _, rows in length_schedule(run.config.rows.length)) if run.config else most
    length = length or min(trained, most)
    return Windows(length, stride or length // 2, BEFORE.get(backend, 0.5))
