"""The whole held-out set again: the objective's own exam and the common ones."""

from pathlib import Path

from ...run import load
from ..validation import validate


def evaluate(run: Path, data: Path | None) -> dict[str, float]:
    """Loss, perplexity, accuracy … of the finished `run`, or of a checkpoint; it brings its own text."""
    trained = load.trained(run)
    parts, config = trained.data, trained.config
    return validate.validate(
        trained.model, parts.valid, config.objective, parts.shards.domains, config.evaluation.batch_tokens
    )
