"""All tasks of the official BabyLM evaluation of 2026: of a run in full, or of its checkpoints the fast ones.

Results lie in the official folders, for `maskwright collate`; what is there already is not asked again.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ...files.errors import listing
from ...run.build import device
from ...run.discover import models
from ...run.load import described
from ...settings import Names, did_you_mean, settings
from ...settings.bounds import Layers, Tokens
from ..babylm.jobs import Job, Numbers, carry_out
from ..babylm.layout import official_folder, run_and_revision
from ..babylm.tasks import GLUE, OF_GLUE, TASKS, is_of_2025
from ..scoring.backends import choose

__all__ = ["NEEDS_CHECKPOINTS", "Options", "evaluate"]

NEEDS_CHECKPOINTS = True
"""`evaluate` takes the folder of a run or of checkpoints, not one open run."""
HEADLINES = ("eye_tracking", "self_paced", "correlation")


@settings
class Options:
    """Which tasks, how, and where the results go."""

    fast: bool = False
    """Only the fast tasks and both GlobalPIQA, as checkpoints are asked."""
    backend: Literal["mlm", "mntp", "causal"] | None = None
    """How texts are scored; by default what the model was trained for."""
    predictions: Path | None = None
    """The folder of the results; none for RUN/results."""
    tasks: Names = ()
    """Only these tasks, separated by commas; empty for all."""
    workers: Layers | None = None
    """How many tasks at once; none for as many as there are cores, and one on a GPU."""
    batch_tokens: Tokens = 4096
    """Positions per batch, padding included."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU if there is one."""
    rules: Literal[2026] = 2026
    """The year of the official evaluation; the tasks of 2025 are suites of their own, with `rules=2025`."""

    def asks(self, name: str) -> bool:
        """Whether the task is one of those that are asked. Raises ValueError when one of `tasks` does not exist."""
        known = [*(task.suite for task in TASKS), *GLUE, "aoa"]
        if wrong := [task for task in self.tasks if task not in known]:
            raise ValueError(f"no task {wrong[0]!r}: {did_you_mean(wrong[0], known)}")
        return not self.tasks or name in self.tasks


def evaluate(folder: Path, data: Path | None, options: Options) -> dict[str, float]:
    """`blimp/accuracy` …, `reading/eye_tracking`, `reading/self_paced`, and in full `aoa/correlation` and the tasks of
    fine-tuning by their official metric; for a folder of checkpoints `words/1000000/blimp/accuracy` ….

    data: `evaluation_data`, with full_eval and fast_eval. Raises ValueError when a task has no data there.
    """
    if data is None:
        raise ValueError("evaluation data not found: pass --data evaluation_data (with full_eval and fast_eval)")
    several = models(folder) or {"": folder}
    if len(several) > 1 and not options.fast:
        raise ValueError(f"{folder} holds {len(several)} checkpoints, which are asked the fast tasks: add --fast")
    backend, _ = choose(options.backend, described(next(iter(several.values())), "cpu").objective)
    results = options.predictions or run_and_revision(folder)[0] / "results"
    rows = {
        job: f"{row}/" if row else ""
        for row, model in several.items()
        for job in _jobs(model, data, results, backend, options)
    }
    if lacking := [job.data for job in rows if not job.data.is_dir()]:
        raise ValueError(
            f"{listing(dict.fromkeys(map(str, lacking)))}: no such folder; "
            + (f"{data} is of 2025: get that of 2026" if is_of_2025(data) else "name the tasks at hand with tasks=…")
        )
    cores = len(os.sched_getaffinity(0)) if device(options.device).type == "cpu" else 1
    found = carry_out(list(rows), options.workers or cores)
    return {f"{rows[job]}{name}": number for job, some in found.items() for name, number in _headlines(job, some)}


def _jobs(model: Path, data: Path, results: Path, backend: str, options: Options) -> Iterator[Job]:
    """What a model is asked: as one of several or in haste the fast tasks, else all."""
    place, said = official_folder(results, model), (f"predictions={results}", f"device={options.device}")
    scoring = (*said, f"backend={backend}", f"batch_tokens={options.batch_tokens}", "floors=false")
    for task in TASKS:
        if options.asks(task.suite) and (task.fast or not options.fast):
            where = task.data(data, options.fast)
            yield Job(model, task.suite, where, scoring, place / task.place(backend, options.fast), options.device)
    if options.fast:
        return
    part = data / "full_eval" if (data / "full_eval").is_dir() else data
    for name in filter(options.asks, GLUE):
        tuning = (*said, "protocol=babylm", f"tasks={name}")
        yield Job(model, "classification", part / "glue_filtered", tuning, place / "finetune" / name, options.device)
    if options.asks("aoa") and models(model / "words"):
        yield Job(model / "words", "aoa", part / "aoa", scoring, place / "zero_shot" / backend / "AoA_word")


def _headlines(job: Job, numbers: Numbers) -> Iterator[tuple[str, float]]:
    """The official figures of a job, by task."""
    if job.suite == "classification":
        task = job.place.name
        metric = f"{task}/{OF_GLUE[task]}"
        yield metric, numbers[metric]
    elif job.suite in ("reading", "aoa"):
        yield from ((f"{job.suite}/{name}", numbers[name]) for name in HEADLINES if name in numbers)
    else:
        yield f"{job.suite}/accuracy", numbers.get("official", numbers["accuracy"])
