"""A trained model, ready to score texts."""

from collections.abc import Sequence
from pathlib import Path

from ...data.loader import curriculum
from ...run import saved
from ...run.config import Config
from ...run.load import parts
from .backends import choose
from .scorer import Scorer
from .windows import BEFORE, Windows


def scorer(
    source: Path,
    backend: str | None = None,
    temperatures: Sequence[float] = (1.0,),
    batch_tokens: int = 4096,
    device: str = "auto",
    half: bool = False,
) -> tuple[str, Scorer]:
    """The backend's name, and the scorer of a run, of one of its checkpoints or of a folder that `final.load` opens.

    By default texts are scored as the model was trained. Raises ValueError when that is not known.
    """
    model, tokenizer, objective = parts(source, device)
    name, ask = choose(backend, objective)
    return name, Scorer(model, tokenizer, ask, temperatures, batch_tokens, half)


def windows(source: Path, backend: str, score: Scorer, length: int | None = None, stride: int | None = None) -> Windows:
    """How the run of `source` reads what is too long: in windows like the longest rows that it was trained on, half of
    which is asked for, unless `length` or `stride` say otherwise. Raises ValueError when the model takes less.
    """
    most = int(score.model.max_length)  # type: ignore[arg-type]
    if length is not None and length > most:
        raise ValueError(f"length={length}: the model takes max_length={most}")
    known = saved.run_of(source, 2)  # a model lies in its run, a checkpoint one folder deeper
    trained = max(rows for _, rows in curriculum(Config.load(known).rows.length)) if known else most
    length = length or min(trained, most)
    return Windows(length, stride or length // 2, BEFORE.get(backend, 0.5))
