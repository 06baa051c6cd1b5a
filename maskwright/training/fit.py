"""A run that fits in a given time: a trial of a few updates says how many steps that is on this machine.

From then on it is a run of so many steps, as its config.yaml says: the learning rate ends its schedule where training
ends, and neither a resumed run nor one made again from config.yaml measures anything.
"""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from ..hardware import seconds_of
from ..progress import console
from ..run.config import Config
from .trainer import Trainer

WARM_UP = 3
"""Updates that are not timed: the first ones compile kernels and lay out memory."""
TIMED = 12
VALIDATIONS = 11
"""How often a run is validated by default: ten times on the way and at its end."""


def fit(config: Config, out: Path, resume: bool = False, show: bool = True) -> Config:
    """`config` with as many of its steps as take `training.fit_minutes` here; itself where none are given.

    show: say how many steps it is.  resume: take the steps that the run in `out` began with.
    Raises ValueError as `Trainer` does, and when not a single step fits.
    """
    minutes = config.training.fit_minutes
    if minutes is None:
        return config
    if resume and (out / "config.yaml").is_file():
        steps = Config.load(out).training.steps
    else:
        steps = _steps(config, 60 * minutes, show)
    length: dict[str, Any] = {"steps": steps, "epochs": None, "tokens": None, "words": None, "fit_minutes": None}
    return replace(config, training=replace(config.training, **length))


def _steps(config: Config, seconds: float, show: bool) -> int:
    """The steps of the run that fit into `seconds`, validations included; on the slowest rank.

    What the trial learns is thrown away.
    """
    eager = replace(config, training=replace(config.training, compile=False, fit_minutes=None))
    with TemporaryDirectory() as scratch:
        trainer = Trainer(eager, scratch, show=show)
        rows = trainer.data.loader.batches(0, trainer.steps, trainer.world.rank, trainer.world.size)
        updates = [seconds_of(trainer.update, batch) for batch in islice(rows, WARM_UP + TIMED)]
        validation = seconds_of(trainer.validate)
    update = median(updates[WARM_UP:] or updates)
    fitting = min(trainer.world.gather(int((seconds - VALIDATIONS * validation) / update)))
    if fitting < 1:
        raise ValueError(
            f"training.fit_minutes={seconds / 60:g} is too short here: a step takes {update:.1f} s and each of "
            f"{VALIDATIONS} validations {validation:.1f} s"
        )
    steps = min(trainer.steps, fitting)
    if show and trainer.world.first:
        took = f"{1000 * update:.0f} ms each and {validation:.1f} s for each of {VALIDATIONS} validations"
        console.print(f"length     {steps:,} of {trainer.steps:,} steps fit {seconds / 60:g} minutes: {took}")
    return steps
