"""Adjective nominalisation of nonce adjectives: -ity or -ness (Hofmann et al. 2024, arXiv 2411.07990).

Part of the official BabyLM evaluation of 2025, and not of 2026.
"""

from pathlib import Path

from ...run.load import LoadedRun
from ..scoring.jsonl import folder
from ._wug import Options, evaluate_wug, items

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Spearman correlation with human preferences, and accuracy.

    data: the folder of the JSONL file; or a folder that contains it as `wug_adj_nominalization`.
    """
    place = folder(data, "wug_adj_nominalization", "wug_adj")
    return evaluate_wug(run, list(items(place, "wug_adj")), options, ("wug_adj", place.name))
