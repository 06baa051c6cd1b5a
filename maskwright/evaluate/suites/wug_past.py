"""Past tense of verbs that do not exist, regular or irregular (Weissweiler et al. 2023, "Counting the bugs")."""

from pathlib import Path

from ...run.load import LoadedRun
from ..scoring.jsonl import folder
from ._pairs import Options
from ._wug import judge

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Rank correlation with people's preferences, and accuracy.

    data: the folder of the JSONL file; or one that holds it as `wug_past_tense`.
    """
    return judge(run, folder(data, "wug_past_tense", "wug_past"), options, "wug_past")
