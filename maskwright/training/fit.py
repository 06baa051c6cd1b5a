"""A run that fits in a given time and in the memory there is: a trial of a few updates says what that is here.

From then on it is a run of so many steps and of micro-batches of such a size, as its config.yaml says: the learning
rate ends its schedule where training ends, and neither a resumed run nor one made again from config.yaml measures
anything.
"""

import os
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch

from ..data.batch_size_schedule import batch_size_schedule
from ..data.loader import length_schedule
from ..evaluate.validation.plan import validation_plan
from ..hardware import seconds_of
from ..progress import console
from ..run import build
from ..run.config import Config
from .machine.memory import Peak, free_bytes
from .trainer import Trainer

WARM_UP = 3
"""Updates that are not timed: the first ones compile kernels and lay out memory."""
TIMED = 12
"""The least number of updates that are timed."""
TRIAL = 0.02
"""The least share of the given time that they take: a second or so may be one in which the machine does other work."""
SHARE = 0.6
"""Of the free memory, what tensors may take: allocators and kernels were seen to take up to 1.7 times as much."""


def fit(config: Config, out: Path, resume: bool = False, show: bool = True) -> Config:
    """`config` with as many of its steps as take `training.fit_minutes` here, and with micro-batches as `in_memory`
    chooses them; itself where neither is asked for.

    show: say what fits.  resume: take what the run in `out` began with.
    Raises ValueError as `Trainer` does, and when not a single step or row fits.
    """
    config = in_memory(config, out, resume, show)
    minutes = config.training.fit_minutes
    if minutes is None:
        return config
    if resume and (out / "config.yaml").is_file():
        steps = Config.load(out).training.steps
    else:
        steps = _steps(config, 60 * minutes, show)
    return _changed(config, steps=steps, epochs=None, tokens=None, words=None, fit_minutes=None)


def in_memory(config: Config, out: Path, resume: bool = False, show: bool = True) -> Config:
    """`config` with micro-batches that the free memory holds, where `training.micro_batch_tokens` is `auto`."""
    chosen = config.training.micro_batch_tokens
    if chosen == "auto" and resume and (out / "config.yaml").is_file():
        chosen = Config.load(out).training.micro_batch_tokens
    return _changed(config, micro_batch_tokens=_micro_batch(config, show) if chosen == "auto" else chosen)


def _changed(config: Config, **training: Any) -> Config:
    return replace(config, training=replace(config.training, **training))


def _micro_batch(config: Config, show: bool) -> int | None:
    """Tokens of a micro-batch: equal parts of the largest batch that fit on the scarcest rank; None where all fits."""
    device, world = build.device(config.training.device), int(os.environ.get("WORLD_SIZE", 1))
    length = max(length for _, length in length_schedule(config.rows.length))
    rows = -(-batch_size_schedule(config.training.batch_tokens)[-1][1] // length // world)
    free = free_bytes(device)
    least, row, fitting = _taken(config, device, length, world, SHARE * free)
    if not fitting:
        raise ValueError(
            f"training.micro_batch_tokens=auto: a step with one row of {length} takes {least / 1e9:.2f} GB, too much "
            f"for the {free / 1e9:.2f} GB free; try training.activation_checkpointing=true or a smaller model"
        )
    size = None if fitting >= rows else -(-rows // -(-rows // fitting)) * length
    if show and int(os.environ.get("RANK", 0)) == 0:
        told = "the whole batch" if size is None else f"{size:,} tokens"
        console.print(f"memory     {told} at once: a row takes {row / 1e6:.1f} MB, and {free / 1e9:.2f} GB are free")
    return size


def _taken(config: Config, device: torch.device, length: int, world: int, budget: float) -> tuple[int, int, int]:
    """Bytes of tensors that a step with one row holds, that each further row adds, and how many rows the budget holds.

    What a step holds is linear in its rows, so that a trial of two is enough.
    """
    trial = _changed(
        config, batch_tokens=2 * length * world, micro_batch_tokens=length, compile=False, fit_minutes=None
    )
    with TemporaryDirectory() as scratch, Peak(device) as peak:
        trainer = Trainer(replace(trial, rows=replace(config.rows, length=length)), scratch, show=False)
        batch = trainer.data.loader.batch(0, trainer.steps, trainer.world.rank, world)
        update = _held(peak, partial(trainer.update, batch))  # the optimizer's state is there from now on
        problem = trainer.objective(batch, trainer.config.seed)
        one = _held(peak, partial(trainer.accumulate, batch, problem))
        trainer.config = _changed(trial, micro_batch_tokens=2 * length)
        row = _held(peak, partial(trainer.accumulate, batch, problem)) - one  # on the gradients that are there already
    fits = 0 if update > budget else max(0, 1 + int((budget - one) // max(row, 1)))
    return max(update, one), row, min(trainer.world.gather(fits))


def _held(peak: Peak, work: Callable[[], object]) -> int:
    """The most bytes that `work` holds, what was there before included."""
    peak.most = peak.now
    work()
    return peak.most


def _steps(config: Config, seconds: float, show: bool) -> int:
    """The steps of the run that fit into `seconds`, validations and this trial included; on the slowest rank.

    What the trial learns is thrown away.
    """
    began = perf_counter()
    with TemporaryDirectory() as scratch:
        trainer = Trainer(_changed(config, compile=False, fit_minutes=None), scratch, show=show)
        rows = trainer.data.loader.batches(0, trainer.steps, trainer.world.rank, trainer.world.size)
        updates: list[float] = []
        for batch in rows:
            updates.append(seconds_of(trainer.update, batch))
            timed = updates[WARM_UP:]
            if all(trainer.world.gather(len(timed) >= TIMED and sum(timed) >= TRIAL * seconds)):
                break
        validation = seconds_of(trainer.validate)
    update, left = median(timed or updates), seconds - (perf_counter() - began)

    def validations(steps: int) -> float:
        return validation_plan(config, trainer.data.valid, steps).passes(steps) * validation

    possible = range(1, trainer.steps + 1)
    steps = min(trainer.world.gather(bisect_right(possible, left, key=lambda n: n * update + validations(n))))
    if not steps:
        raise ValueError(
            f"training.fit_minutes={seconds / 60:g} is too short here: the trial took {seconds - left:.1f} s, a step "
            f"takes {update:.1f} s and a validation {validation:.1f} s; one step needs "
            f"{(seconds - left + update + validations(1)) / 60:.2g}"
        )
    if show and trainer.world.first:
        took = f"{1000 * update:.0f} ms each, and validations {validations(steps):.1f} s in all"
        console.print(f"length     {steps:,} of {trainer.steps:,} steps fit {seconds / 60:g} minutes: {took}")
    return steps
