"""Validation on the whole held-out set: the objective's own exam and the common ones."""

from pathlib import Path

from ...run.load import LoadedRun
from ..validation.validate import validate


def evaluate(run: LoadedRun, data: Path | None) -> dict[str, float]:
    """The metrics of `validate` with unigram floors, for a run or a checkpoint, on its own validation text."""
    text, batch = run.data, run.known_config.evaluation.batch_tokens
    return validate(run.model, text.valid, run.live_objective, text.shards.domains, batch, text.shards.train)
