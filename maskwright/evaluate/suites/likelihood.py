"""Likelihood of the held-out text by the objective's own scoring: for diffusion a bound, and so is its perplexity."""

from pathlib import Path

from ...run.load import LoadedRun
from ..validation import likelihood


def evaluate(run: LoadedRun, data: Path | None) -> dict[str, float]:
    """`nats_per_token`, `perplexity` and `bits_per_byte` of the run's validation text."""
    batch = run.known_config.evaluation.batch_tokens
    return likelihood.likelihood(run.model, run.data.valid, run.live_objective, batch)
