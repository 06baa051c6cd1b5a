"""Evaluate a finished run on a suite, by name."""

from collections.abc import Callable
from pathlib import Path

from ..config import nearest
from ..evaluate.validation import validate
from . import build, final
from .config import Config


def evaluate(run: Path, suite: str) -> dict[str, float]:
    """The numbers of `suite` for the model of `run`. Raises ValueError for a suite that does not exist."""
    if suite not in SUITES:
        raise ValueError(f"no suite {suite!r}: {nearest(suite, SUITES)}")
    return SUITES[suite](run)


def _validation(run: Path) -> dict[str, float]:
    config = Config.load(run)
    model, _ = final.load(run, build.device(config.training.device))
    data = build.data(config, show=False)
    final.check(run, data.shards.fingerprint)
    return validate(model, data.valid, config.objective, data.shards.domains, config.evaluation.batch_tokens)


SUITES: dict[str, Callable[[Path], dict[str, float]]] = {"validation": _validation}
