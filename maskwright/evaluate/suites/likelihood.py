"""What held-out text costs by the objective's own exam: for diffusion the bound, perplexity included."""

from pathlib import Path

from ...run import load
from ..validation import likelihood


def evaluate(run: Path, data: Path | None) -> dict[str, float]:
    """`nats_per_token`, `perplexity` and `bits_per_byte` of the text that the finished `run` held out."""
    trained = load.trained(run)
    config = trained.config
    return likelihood.likelihood(trained.model, trained.data.valid, config.objective, config.evaluation.batch_tokens)
