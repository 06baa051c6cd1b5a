"""XCOMPS: which of two concepts has a property, in 17 languages (He et al. 2025, arXiv 2502.19737)."""

from pathlib import Path

from ...run.load import LoadedRun
from ._pairs import Options
from ._two_columns import evaluate_columns

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy over all items, and by file.

    data: the folder of the files, or one that holds it as `xcomps`: JSON lines or tables with the columns
    `acceptable_sent` and `unacceptable_sent`.
    """
    return evaluate_columns(run, data, options, "xcomps", ("acceptable_sent", "unacceptable_sent"))
