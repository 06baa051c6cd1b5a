"""The scorer of an open run."""

import logging
from collections.abc import Sequence

from ...data.loader import length_schedule
from ...run.load import LoadedRun
from ...settings.registry import name_of
from .backends import FIXED, choose, fits
from .scorer import Scorer
from .windows import BEFORE, Windows

logger = logging.getLogger("maskwright")


def scorer(
    run: LoadedRun,
    backend: str | None = None,
    temperatures: Sequence[float] = (1.0,),
    batch_tokens: int = 4096,
    half: bool = False,
    unknown: bool = False,
) -> tuple[str, Scorer]:
    """The backend's name and the scorer for the model of `run`, on the device that it was opened on.

    By default the backend follows from the objective; one that the model was not trained for is warned of. Raises
    ValueError when the objective is unknown.
    """
    name, questions = choose(backend, run.objective)
    if run.objective and not fits(name, run.objective):
        fitting = ", ".join(each for each in FIXED if fits(each, run.objective)) or "none"
        logger.warning(
            f"backend={name}: the model was trained with {name_of(run.objective)} and never learned what this asks; "
            f"what fits: {fitting}"
        )
    return name, Scorer(run.model, run.tokenizer, questions, temperatures, batch_tokens, half, unknown)


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
