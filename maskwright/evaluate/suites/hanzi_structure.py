"""Hanzi structure: minimal pairs about what Chinese characters are made of (BabyLM 2026, multilingual track)."""

from pathlib import Path

from ...run.load import LoadedRun
from ._hanzi import evaluate_hanzi
from ._pairs import Options

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy over all items, and by file; pairs with an unknown token (`unknown`) and ties are missed.

    data: the folder of the files, or one that holds it as `hanzi_structure`: JSON lines or tables with the columns
    `sentence_good` and `sentence_bad`.
    """
    return evaluate_hanzi(run, data, options, "hanzi_structure")
