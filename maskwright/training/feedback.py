"""What an objective that learns from the loss is told of a step, on its way from the device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..distributed.ranks import World
from ..objectives.base.objective import IGNORE, Objective
from ..objectives.base.problem import Problem
from .step import MicroBatch


@dataclass(frozen=True)
class Answered:
    """A micro-batch whose answers are on their way."""

    problem: Problem
    loss: Tensor
    """[N] float32, on the CPU when `arrived`."""
    correct: Tensor
    """[N] bool, likewise."""
    arrived: torch.cuda.Event | None
    """None where they were there from the beginning."""


class Feedback:
    """Copies answers while the device goes on, and tells them when all of the step was sent to it.

    So an objective hears of a step before it poses the next problem, and the device still has the backward pass and the
    update to do while it listens.
    """

    def __init__(self, objective: Objective, world: World):
        self.objective, self.world = objective, world
        self.waiting: list[Answered] = []

    def note(self, problem: Problem, micro: MicroBatch, loss: Tensor, correct: Tensor) -> None:
        """Send for the answers [N] to the questions about `problem`; nothing waits for them here."""
        if not self.objective.learns:
            return
        here = [part[: micro.count].to("cpu", non_blocking=True) for part in (loss, correct)]
        arrived = torch.cuda.Event() if loss.is_cuda else None
        if arrived:
            arrived.record()
        self.waiting.append(Answered(problem, here[0], here[1], arrived))

    def tell(self) -> None:
        """Tell the objective how each position fared, the parts of the step in order, those of all ranks together."""
        for answered in self.waiting:
            if answered.arrived:
                answered.arrived.synchronize()
            heard = self.world.gather(_spread(answered))
            problems, *columns = zip(*heard, strict=True)
            order = torch.cat([one.source_row for one in problems]).argsort(stable=True)  # that of `joined`
            self.objective.observe(Problem.joined(problems), *(torch.cat(column)[order] for column in columns))
        self.waiting.clear()


def _spread(answered: Answered) -> tuple[Problem, Tensor, Tensor]:
    """The problem with its losses and right answers, [P, L], 0 where nothing was asked."""
    targets = answered.problem.targets
    asked = targets != IGNORE
    losses, rights = torch.zeros(targets.shape), torch.zeros(targets.shape, dtype=torch.bool)
    losses[asked], rights[asked] = answered.loss, answered.correct
    return answered.problem, losses, rights
