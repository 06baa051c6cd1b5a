"""MultiBLiMP: minimal pairs of agreement in 101 languages (Jumelet et al. 2025, arXiv 2504.02768)."""

from pathlib import Path

from ...run.load import LoadedRun
from ._pairs import Options
from ._two_columns import evaluate_columns

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy over all items, and by file.

    data: the folder of the files, or one that holds it as `multiblimp`: JSON lines or tables with the columns
    `sen` and `wrong_sen`.
    """
    return evaluate_columns(run, data, options, "multiblimp", ("sen", "wrong_sen"))
