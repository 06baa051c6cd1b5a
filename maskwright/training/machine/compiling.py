"""Whether the step is compiled. On a GPU it is; on a processor, where the rest of the run gains more than it takes.

What compiling gains differs by machine, and it takes from half a minute to three. So in a run long enough for that, a
trial compiles and compares, on gradients that are thrown away; what it found is kept in the user's cache for the next
run of these sizes. A resumed run does as it did before: a compiled step sums in another order.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from shutil import which
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from ...distributed.ranks import World
from ...hardware import measured_once, seconds_of
from ...objectives.base.objective import Objective
from ...prediction import LossFn, problem_loss
from ...progress import console
from ...run.build import Data
from ...run.checkpoint import Loaded
from ...run.config import Config
from ..step import backward, micro_batch, precision, split

WORTH_A_TRIAL = 240.0
"""Seconds that a run takes uncompiled from which compiling is tried: a trial that finds nothing must not cost much."""
TIMED = 3
PRICED = ("batch_tokens", "micro_batch_tokens", "precision", "activation_checkpointing", "parallel")
"""Settings of `training` that change what an update costs."""

Timed = Callable[[LossFn], float]
"""The seconds that the gradient of an update takes with a loss."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """What compiling was found to take and to gain, in seconds."""

    compiling: float
    eager: float
    """Of an update."""
    compiled: float
    """Likewise."""

    def pays(self, updates: int) -> bool:
        """Whether so many updates gain more than compiling takes."""
        return updates * (self.eager - self.compiled) > self.compiling

    def __str__(self) -> str:
        compiled, eager = 1000 * self.compiled, 1000 * self.eager
        return f"{compiled:.0f} ms a step instead of {eager:.0f}, for {self.compiling:.0f} s of compiling"


def chosen_loss(
    config: Config,
    model: nn.Module,
    data: Data,
    objective: Objective,
    world: World,
    found: Loaded | None,
    show: bool,
) -> LossFn:
    """`problem_loss`, compiled as `training.compile` says, or where that is `auto` as it pays.

    found: the checkpoint of the attempt that is continued, if any: what it did is done again.
    show: say what is tried and chosen.
    """
    wanted, device = config.training.compile, next(model.parameters()).device
    if wanted != "auto":
        return compiled_loss() if wanted else problem_loss
    if device.type == "cuda":
        return compiled_loss()
    if which(os.environ.get("CXX", "g++")) is None:
        return problem_loss
    before = found[1].get("machine", {}) if found else {}
    if "compiled" in before:
        return compiled_loss() if before["compiled"] else problem_loss
    tell = console.print if show else lambda _: None
    fast = tried(config, model, data, objective, world, tell) if world.first else None
    pays = world.gather(fast is not None)[0]
    return fast or (compiled_loss() if pays else problem_loss)


def tried(
    config: Config, model: nn.Module, data: Data, objective: Objective, world: World, tell: Tell
) -> LossFn | None:
    """A compiled loss if the run is sooner done with it: on this rank, as an earlier trial found or one made now."""
    time, tree = timed(config, model, data, objective, world), config.tree()
    if data.steps * time(problem_loss) < WORTH_A_TRIAL:  # the first update takes longer, if anything
        return None
    eager = median(time(problem_loss) for _ in range(TIMED))
    if data.steps * eager < WORTH_A_TRIAL:
        return None
    sizes = [tree["model"], tree["objective"], tree["rows"], *map(tree["training"].get, PRICED)]
    of = sizes, data.shards.vocabulary.size, torch.get_num_threads(), world.size
    fast = compiled_loss()
    found = Trial(**measured_once("compiling", lambda: asdict(trial(time, eager, fast, tell)), *of))
    return fast if found.pays(data.steps) else None


def trial(time: Timed, eager: float, fast: LossFn, tell: Tell) -> Trial:
    """Compile, and compare with the `eager` seconds of an update."""
    tell(f"compiling  the step, to see whether it is faster than {1000 * eager:.0f} ms: about a minute")
    made = Trial(time(fast), eager, median(time(fast) for _ in range(TIMED)))
    tell(f"compiled   {made}")
    return made


def timed(config: Config, model: nn.Module, data: Data, objective: Objective, world: World) -> Timed:
    """Makes the gradient of the first update with a loss, throws it away, and returns the seconds it took."""
    told, device = config.training, next(model.parameters()).device
    rows = data.loader.batch(0, data.steps, world.rank, world.size)
    problems = split(objective(rows, config.seed), rows, told.micro_batch_tokens, World())
    micro, off = micro_batch(rows, problems[0], device), torch.amp.GradScaler(enabled=False)
    model.train()

    def gradient(loss_fn: LossFn) -> None:
        cast = precision(told.precision, device)
        backward(loss_fn, model, micro, 1.0, told.z_loss, cast, off)
        model.zero_grad()

    return lambda loss_fn: len(problems) * seconds_of(gradient, loss_fn)


def compiled_loss() -> LossFn:
    """`problem_loss`, compiled.

    The number of targets is marked as dynamic, since it follows the mask ratio; a new shape of the inputs recompiles.
    """
    compiled = torch.compile(problem_loss, dynamic=False)

    def loss_fn(model: nn.Module, *inputs: Any) -> tuple[Tensor, Tensor]:
        target_positions, targets, _, noised, *lesson = inputs[3:]
        for part in (target_positions, targets, *(noised or ())[:-1], *(each.scores for each in lesson)):
            torch._dynamo.maybe_mark_dynamic(part, 0)
        return compiled(model, *inputs)

    return loss_fn
