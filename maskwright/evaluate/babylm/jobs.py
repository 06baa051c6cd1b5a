"""Tasks asked of models, several at once over the cores, each kept when it is done: a stopped evaluation resumes.

Beside the predictions of a task lies a record, which says of which weights they are and what the suite measured.
"""

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, TextColumn

from ...distributed.parent import end_with_parent
from ...distributed.spawn import hidden_main
from ...files.json_files import read_object
from ...progress import Bar, clock
from ...run import saved
from ...run.discover import models
from ...run.load import LoadedRun, load
from ...storage.atomic import atomic_write
from ..suites._evaluate import WEIGHTS, evaluate_folder, evaluate_run, results_name

RECORD = "maskwright.json"
Numbers = dict[str, float]


@dataclass(frozen=True)
class Job:
    """A suite to be asked of a model, or of a folder of models."""

    model: Path
    suite: str
    data: Path
    options: tuple[str, ...]
    place: Path
    """The folder of its results."""
    device: str = "auto"

    @property
    def facts(self) -> dict[str, Any]:
        """What makes it this job and no other."""
        return {WEIGHTS: weights(self.model), "asked": results_name(self.suite, self.data, self.options)}

    def kept(self) -> Numbers | None:
        """The metrics of an earlier run of the same job. Raises ValueError when the results are of other weights."""
        if not (self.place / RECORD).is_file():
            return None
        record, facts = read_object(self.place / RECORD), self.facts
        check_weights(self.place, record, self.model)
        same = all(record.get(name) == fact for name, fact in facts.items())
        return record["metrics"] if same else None

    def __call__(self) -> Numbers:
        """Ask, and keep what was found."""
        if models(self.model):
            found = evaluate_folder(self.suite, self.model, self.data, self.options)
        else:
            found = evaluate_run(
                self.suite, _opened(self.model, self.device, weights(self.model)), self.data, self.options
            )
        atomic_write(self.place / RECORD, json.dumps(self.facts | {"metrics": found}, indent=1))
        return found


def check_weights(place: Path, record: dict[str, Any], model: Path) -> None:
    """Raises ValueError when the record of the results in `place` is of other weights than those of `model`."""
    if record.get(WEIGHTS) != weights(model):
        raise ValueError(
            f"{place} holds results of another model than {model}: give another folder with predictions=FOLDER, or "
            "delete them"
        )


def weights(model: Path) -> str:
    """SHA-256 of the weights of a model, or of those of all models in a folder, by which results are known."""
    several = list(models(model).values())
    if several:
        return hashlib.sha256("".join(map(weights, several)).encode()).hexdigest()
    return saved.weights(saved.read(saved.final(model)))


@lru_cache(1)
def _opened(model: Path, device: str, weights: str) -> LoadedRun:
    return load(model, device)


def carry_out(jobs: Sequence[Job], workers: int) -> dict[Job, Numbers]:
    """The metrics of every job, `workers` of them at a time; what an earlier run has kept is not asked again."""
    found = {job: kept for job in jobs if (kept := job.kept()) is not None}
    waiting = [job for job in jobs if job not in found]
    columns = TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[count]}"), *clock()
    with Bar(*columns, visible=bool(waiting)) as bar:
        line = bar.add_task("evaluating", total=len(jobs), completed=len(found), count=f"{len(found)}/{len(jobs)} kept")
        for job, numbers in _each(waiting, workers):
            found[job] = numbers
            bar.update(line, advance=1, description=job.suite, count=f"{len(found)}/{len(jobs)}")
    return {job: found[job] for job in jobs}


def _each(jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Numbers]]:
    """Jobs and what they found, as they end."""
    if min(workers, len(jobs)) <= 1:
        yield from ((job, job()) for job in jobs)
        return
    with _pool(workers) as pool:
        with hidden_main():
            ending = {pool.submit(job): job for job in jobs}
        for done in as_completed(ending):
            yield ending[done], done.result()


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes with one thread each; where a job fails, those that have not begun are dropped."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _start() -> None:
    torch.set_num_threads(1)
    end_with_parent()
