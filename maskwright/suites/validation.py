"""The whole held-out set again: the objective's own exam and the common ones."""

from pathlib import Path

from ..evaluate import validation
from ..training import build, final
from ..training.config import Config


def evaluate(run: Path, data: Path | None) -> dict[str, float]:
    """Loss, perplexity, accuracy, top-5 accuracy and bits per byte of the finished `run`; it brings its own text."""
    config = Config.load(run)
    model, _ = final.load(run, build.device(config.training.device))
    parts = build.data(config, show=False)
    final.check(run, parts.shards.fingerprint)
    return validation.validate(
        model, parts.valid, config.objective, parts.shards.domains, config.evaluation.batch_tokens
    )
