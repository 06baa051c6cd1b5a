"""Adjective nominalisation of words that do not exist: -ity or -ness (Hofmann et al. 2024, arXiv 2411.07990)."""

from pathlib import Path

from ...run.load import LoadedRun
from ..scoring.jsonl import folder
from ._pairs import Options
from ._wug import judge

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Rank correlation with people's preferences, and accuracy.

    data: the folder of the JSONL file; or one that holds it as `wug_adj_nominalization`.
    """
    return judge(run, folder(data, "wug_adj_nominalization", "wug_adj"), options, "wug_adj")
