"""What held-out text costs by the objective's own exam: for diffusion the bound, perplexity included."""

from pathlib import Path

from ...run.load import LoadedRun
from ..validation import likelihood


def evaluate(run: LoadedRun, data: Path | None) -> dict[str, float]:
    """`nats_per_token`, `perplexity` and `bits_per_byte` of the text that the finished `run` held out."""
    batch = run.known_config.evaluation.batch_tokens
    return likelihood.likelihood(run.model, run.data.valid, run.live_objective, batch)
