"""Objectives that deal the rows of a batch out to others, so that each row is made into a problem by one of them.

Shapes: B rows, P rows of a problem, L positions.
"""

from abc import ABC, abstractmethod
from dataclasses import replace

from torch import Tensor

from ...data.rows import Rows
from ...noise import Noise
from ...settings import settings
from .objective import Objective
from .problem import Problem


@settings
class Dealt(Objective, ABC):
    """Several objectives on one model, row by row. A subclass only says which row goes where: `deal`."""

    @property
    def learns(self) -> bool:
        return any(part.learns for part in self.sub_objectives.values())

    @abstractmethod
    def deal(self, rows: Rows, noise: Noise) -> Tensor:
        """[B] int64, the index among `sub_objectives` of the one that each row goes to."""

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        dealt, parts = self.deal(rows, noise), list(self.sub_objectives.values())
        made = []
        for number in dealt.unique().tolist() or [0]:  # without rows, a problem without rows
            problem = parts[number].corrupt_some(rows, noise, dealt == number)
            # the lowest digit is this objective's choice; those above belong to one like it inside
            made.append(replace(problem, source_objective=len(parts) * problem.source_objective + number))
        return Problem.joined(made)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Each objective observes its own rows."""
        parts = list(self.sub_objectives.values())
        for number, part in enumerate(parts):
            mine = problem.source_objective % len(parts) == number
            own = problem[mine]
            part.observe(replace(own, source_objective=own.source_objective // len(parts)), loss[mine], correct[mine])
