"""Shared by the suites that train on tasks: which tasks of a folder, from how many seeds, on which device."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...settings import Names, did_you_mean, settings
from ...settings.bounds import Layers, PositiveInt
from ..finetuning.classification_data import KINDS, tasks
from ..finetuning.finetune import Result


@settings
class TaskSelection:
    """Which tasks are trained on."""

    seeds: Layers = 3
    """Seeds per task: 0, 1, …"""
    tasks: Names = ()
    """Only these tasks, separated by commas; empty for all in the folder."""
    limit: PositiveInt | None = None
    """Use only the first so many lines of each file; none for all."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU if there is one."""

    def files(
        self, data: Path | None, kinds: tuple[str, ...] = KINDS, alone: bool = False
    ) -> dict[str, tuple[Path, Path]]:
        """The training and validation file of each selected task. Raises ValueError for a task that does not exist."""
        found = tasks(data, kinds, alone)
        if missing := [name for name in self.tasks if name not in found]:
            raise ValueError(f"no task {missing[0]!r} in {data}: {did_you_mean(missing[0], found)}")
        return {name: found[name] for name in self.tasks or found}


def over_seeds(results: Sequence[Result]) -> dict[str, float]:
    """Means and, of more than one, standard deviations `…_sd`."""
    numbers: dict[str, float] = {}
    for name in results[0].numbers:
        values = np.array([result.numbers[name] for result in results])
        numbers[name] = float(values.mean())
        if len(values) > 1:
            numbers[f"{name}_sd"] = float(values.std(ddof=1))
    return numbers
