"""Past tense of nonce verbs, regular or irregular (Weissweiler et al. 2023, "Counting the bugs").

Part of the official BabyLM evaluation of 2025, and not of 2026.
"""

from pathlib import Path

from ...run.load import LoadedRun
from ..scoring.jsonl import folder
from ._wug import Options, evaluate_wug, items

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Spearman correlation with human preferences, and accuracy.

    data: the folder of the JSONL file; or a folder that contains it as `wug_past_tense`.
    """
    place = folder(data, "wug_past_tense", "wug_past")
    return evaluate_wug(run, list(items(place, "wug_past")), options, ("wug_past", place.name))
