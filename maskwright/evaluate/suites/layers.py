"""The common exams again and again, each time with one more of the last layers taken away."""

from pathlib import Path

from ...run import load
from ..validation.layer_ablation import ablate


def evaluate(run: Path, data: Path | None) -> dict[str, float]:
    """`layers/3/forward/loss` … for the first three layers of the finished `run` or checkpoint, on its own text."""
    trained = load.trained(run)
    objective, batch = trained.config.objective, trained.config.evaluation.batch_tokens
    return ablate(trained.model, trained.data.valid, objective, batch)
