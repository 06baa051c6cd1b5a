"""BLiMP-NL: minimal pairs of Dutch, 22 phenomena of grammar (Suijkerbuijk et al. 2025)."""

from pathlib import Path

from ...run.load import LoadedRun
from ._pairs import Options
from ._two_columns import evaluate_columns

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy over all items, and by file.

    data: the folder of the files, or one that holds it as `blimp_nl`: JSON lines or tables with the columns
    `sentence_good` and `sentence_bad`.
    """
    return evaluate_columns(run, data, options, "blimp_nl", ("sentence_good", "sentence_bad"))
