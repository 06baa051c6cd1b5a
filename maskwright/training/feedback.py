"""Passes the losses of a step from the device to an objective that learns from them."""

from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from ..distributed.ranks import World
from ..objectives.base.objective import IGNORE, Objective
from ..objectives.base.problem import Problem
from .step import MicroBatch


@dataclass(frozen=True)
class Pending:
    """A micro-batch whose losses are being copied from the device."""

    problem: Problem
    loss: Tensor
    """[N] float32, complete on the CPU once `arrived`."""
    correct: Tensor
    """[N] bool, as `loss`."""
    arrived: torch.cuda.Event | None
    """None where nothing had to be copied."""


class Feedback:
    """Copies losses while the device keeps working, and passes them on once the whole step is queued.

    So the objective observes a step before it makes the next problem, while the device is still busy with the backward
    pass and the update.
    """

    def __init__(self, objective: Objective, world: World):
        self.objective, self.world = objective, world
        self.waiting: list[Pending] = []

    def add(self, problem: Problem, micro: MicroBatch, loss: Tensor, correct: Tensor) -> None:
        """Start to copy the losses and correctness [N] of `problem`; does not wait for them."""
        if not self.objective.learns:
            return
        here = [part[: micro.count].to("cpu", non_blocking=True) for part in (loss, correct)]
        arrived = torch.cuda.Event() if loss.is_cuda else None
        if arrived:
            arrived.record()
        self.waiting.append(Pending(problem, here[0], here[1], arrived))

    def deliver(self) -> None:
        """Let the objective observe the update: the rows of all micro-batches and ranks together."""
        if not self.waiting:
            return
        for pending in self.waiting:
            if pending.arrived:
                pending.arrived.synchronize()
        # every rank observes the rows of all, so that their learned states stay equal
        parts = self.world.gather([_scatter(pending) for pending in self.waiting])
        problems, *columns = zip(*chain.from_iterable(parts), strict=True)
        order = torch.cat([part.source_row for part in problems]).argsort(stable=True)  # the order of `joined`
        self.objective.observe(Problem.joined(problems), *(torch.cat(column)[order] for column in columns))
        self.waiting.clear()


def _scatter(pending: Pending) -> tuple[Problem, Tensor, Tensor]:
    """The problem with its losses and correctness, [P, L], 0 where there is no target."""
    targets = pending.problem.targets
    is_target = targets != IGNORE
    losses, rights = torch.zeros(targets.shape), torch.zeros(targets.shape, dtype=torch.bool)
    losses[is_target], rights[is_target] = pending.loss, pending.correct
    return pending.problem, losses, rights
