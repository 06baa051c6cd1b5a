"""Fine-tuning for classification, and for scores such as likeness: all tasks of a folder, each from several seeds."""

import json
from pathlib import Path

import numpy as np

from ...progress import through
from ...run.load import LoadedRun
from ...settings import settings
from ...storage.atomic import atomic_write
from ..babylm.layout import official_folder
from ..finetuning.classification_data import Task, task
from ..finetuning.finetune import FineTuner, Finetuning, Result
from ..finetuning.grid import search
from ._tasks import TaskSelection, over_seeds

__all__ = ["NEEDS_ONE_MODEL", "Options", "evaluate"]

NEEDS_ONE_MODEL = True

METRICS = ("accuracy", "f1", "mcc")
"""What results.txt holds; for more than two classes the first alone."""


@settings
class Options(Finetuning, TaskSelection):
    """How to fine-tune, and on which tasks."""

    predictions: Path | None = None
    """A folder to write predictions.json and results.txt of the first seed to, in the official format."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`TASK/accuracy`, `…/f1` and `…/mcc`, means over the seeds, with deviations `…_sd`; one seed by a protocol.
    A task whose labels are numbers has `…/pearson` and `…/spearman`. `…/lr` and `…/batch` are those chosen of several.

    `accuracy` is the mean over the tasks, and `commonest/accuracy` that of the majority classes; `spearman` likewise.

    data: a folder with train.jsonl and valid.jsonl, a folder of such folders, or `glue_filtered`.
    """
    found = options.files(data)
    numbers: dict[str, float] = {}
    for name, files in through([*found.items()]):
        one = task(name, *files, options.limit)
        tuner = FineTuner(run.model, run.tokenizer, run.objective, one, options)
        first = tuner.protocol.first_seed
        chosen = search(tuner, first)
        results = [tuner(first + seed) for seed in through(range(1 if options.protocol else options.seeds))]
        numbers |= {f"{name}/{key}": number for key, number in (summary(one, results) | chosen).items()}
        if options.predictions:
            _write(official_folder(options.predictions, run.path) / "finetune" / name, one, results[0])
    headlines = {"accuracy": "accuracy", "commonest/accuracy": "commonest", "spearman": "spearman"}
    each = {key: [numbers[f"{t}/{of}"] for t in found if f"{t}/{of}" in numbers] for key, of in headlines.items()}
    return numbers | {key: float(np.mean(values)) for key, values in each.items() if values}


def summary(one: Task, results: list[Result]) -> dict[str, float]:
    """Means and standard deviations over the seeds, and `commonest`: the accuracy of the majority class."""
    numbers = over_seeds(results)
    if one.classes:
        commonest = np.bincount(one.train.labels).argmax()
        numbers["commonest"] = float((one.valid.labels == commonest).mean())
    return numbers | {"seeds": len(results), "items": len(one.valid)}


def _write(folder: Path, one: Task, result: Result) -> None:
    lines = [{"id": f"{one.name}_{i}", "pred": found} for i, found in enumerate(result.found.tolist())]
    kept = METRICS if len(one.classes) == 2 else METRICS[:1] if one.classes else ("pearson", "spearman")
    numbers = {name: result.numbers[name] for name in kept}
    atomic_write(folder / "predictions.json", json.dumps({one.name: {"predictions": lines}}))
    atomic_write(folder / "results.txt", "\n".join(f"{name}: {number}" for name, number in numbers.items()))
