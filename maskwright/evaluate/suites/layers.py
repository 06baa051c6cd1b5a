"""The common exams after removing the last layer, the last two, and so on."""

from pathlib import Path

from ...run.load import LoadedRun
from ..validation.layer_ablation import ablate

NEEDS_ONE_MODEL = True


def evaluate(run: LoadedRun, data: Path | None) -> dict[str, float]:
    """`layers/3/forward/loss` … for the first three layers of a run or checkpoint, on its own validation text."""
    return ablate(run.model, run.data.valid, run.live_objective, run.known_config.evaluation.batch_tokens)
