"""GlobalPIQA, nonparallel: the questions of one language and its culture, with two solutions each."""

from pathlib import Path

from ...run.load import LoadedRun
from ._global_piqa import Options, evaluate_solutions, items

__all__ = ["Options", "evaluate", "items"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy over the items.

    data: the folder of the JSONL files; or a folder that contains it as `global_piqa_nonparallel`.
    """
    return evaluate_solutions(run, data, options, "global_piqa_nonparallel")
