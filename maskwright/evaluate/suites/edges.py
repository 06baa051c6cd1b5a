"""Edge probing: what each layer knows about spans; all tasks of a folder, each from several seeds."""

from pathlib import Path

import numpy as np

from ...progress import through
from ...run.load import LoadedRun
from ...settings import settings
from ..finetuning.edge_data import edges
from ..finetuning.edge_probe import EdgeProbe, Probing
from ._tasks import TaskSelection

__all__ = ["NEEDS_ONE_MODEL", "Options", "evaluate"]

NEEDS_ONE_MODEL = True


@settings
class Options(Probing, TaskSelection):
    """How to train the probes, and on which tasks."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`TASK/f1`, `…/precision`, `…/recall`, `…/layer` (the mean layer by mixture weight) and `…/3/weight`: means over
    the seeds, F1 with its standard deviation.

    data: a folder with train.jsonl and valid.jsonl, or a folder of such folders.
    """
    found = options.files(data)
    numbers: dict[str, float] = {}
    for name, files in through([*found.items()]):
        prober = EdgeProbe(run.model, run.tokenizer, run.objective, edges(*files, options.limit), options)
        results = [prober(seed) for seed in through(range(options.seeds))]
        numbers |= {f"{name}/{key}": float(np.mean([one[key] for one in results])) for key in results[0]}
        if len(results) > 1:
            numbers[f"{name}/f1_sd"] = float(np.std([one["f1"] for one in results], ddof=1))
    return numbers
