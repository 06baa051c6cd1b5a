"""ZhoBLiMP: minimal pairs of Chinese, 118 paradigms of grammar (Liu et al. 2024, arXiv 2411.06096)."""

from pathlib import Path

from ...run.load import LoadedRun
from ._pairs import Options
from ._two_columns import evaluate_columns

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy over all items, and by file.

    data: the folder of the files, or one that holds it as `zhoblimp`: JSON lines or tables with the columns
    `sentence_good` and `sentence_bad`.
    """
    return evaluate_columns(run, data, options, "zhoblimp", ("sentence_good", "sentence_bad"))
