"""The whole held-out set again: the objective's own exam and the common ones."""

from pathlib import Path

from ...run import load
from ..validation.validate import validate


def evaluate(run: Path, data: Path | None) -> dict[str, float]:
    """The metrics of `validate`, floors included, of a finished `run` or a checkpoint; the text is the run's own."""
    trained = load.trained(run)
    shards, batch = trained.data.shards, trained.config.evaluation.batch_tokens
    objective = trained.config.objective
    return validate(trained.model, trained.data.valid, objective, shards.domains, batch, shards.train)
