"""Fine-tuning for classification: all tasks of a folder, each from several seeds."""

import json
from pathlib import Path

import numpy as np

from ...run.load import LoadedRun
from ...settings import settings
from ...storage.atomic import atomic_write
from ..finetuning.classification_data import Task, task
from ..finetuning.finetune import FineTuner, Finetuning, Result
from ._tasks import TaskSelection

__all__ = ["Options", "evaluate"]


@settings
class Options(Finetuning, TaskSelection):
    """How to fine-tune, and on which tasks."""

    predictions: Path | None = None
    """A folder to write predictions.json of seed 0 to, in the official format."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`TASK/accuracy`, `…/f1` and `…/mcc`, means over the seeds, with standard deviations `…_sd`.

    data: a folder with train.jsonl and valid.jsonl, a folder of such folders, or `glue_filtered`.
    """
    found = options.files(data)
    numbers: dict[str, float] = {}
    for name, files in found.items():
        one = task(name, *files, options.limit)
        tuner = FineTuner(run.model, run.tokenizer, run.objective, one, options)
        results = [tuner(seed) for seed in range(options.seeds)]
        numbers |= {f"{name}/{key}": number for key, number in summary(one, results).items()}
        if options.predictions:
            _write(options.predictions / run.path.resolve().name / "main" / "finetune" / name, name, results[0])
    return numbers


def summary(one: Task, results: list[Result]) -> dict[str, float]:
    """Means and standard deviations over the seeds, and `commonest`: the accuracy of the majority class."""
    numbers: dict[str, float] = {}
    for name in results[0].numbers:
        values = np.array([result.numbers[name] for result in results])
        numbers[name] = float(values.mean())
        if len(values) > 1:
            numbers[f"{name}_sd"] = float(values.std(ddof=1))
    commonest = np.bincount(one.train.labels).argmax()
    numbers["commonest"] = float((one.valid.labels == commonest).mean())
    return numbers | {"seeds": len(results), "items": len(one.valid)}


def _write(folder: Path, name: str, result: Result) -> None:
    lines = [{"id": f"{name}_{i}", "pred": int(found)} for i, found in enumerate(result.found)]
    atomic_write(folder / "predictions.json", json.dumps({name: {"predictions": lines}}))
