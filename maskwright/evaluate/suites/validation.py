"""The whole held-out set again: the objective's own exam and the common ones."""

from pathlib import Path

from ...run.load import LoadedRun
from ..validation.validate import validate


def evaluate(run: LoadedRun, data: Path | None) -> dict[str, float]:
    """The metrics of `validate`, floors included, of a finished `run` or a checkpoint; the text is the run's own."""
    text, batch = run.data, run.known_config.evaluation.batch_tokens
    return validate(run.model, text.valid, run.live_objective, text.shards.domains, batch, text.shards.train)
