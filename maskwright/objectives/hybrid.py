"""Two objectives on one model: a fraction of the rows goes to the one, the rest to the other.

Which row goes where is drawn by address, so that neither batches nor ranks matter. GPT-BERT (Charpentier and Samuel
2024, section 2) gives 15 rows of 16 to masked next-token prediction and one to causal prediction.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import Field
from torch import Tensor

from ..data.rows import Rows
from ..noise import Noise
from ..settings import settings
from ..settings.schedule import Probability, Scheduled, value
from .base.objective import Objective, objective_field
from .base.problem import Problem


@settings
class Hybrid(Objective):
    """A mixture of two objectives, row by row, as masked and causal in GPT-BERT."""

    masked: Annotated[Objective, objective_field("mntp")] = Field({}, validate_default=True)
    """The objective of most rows, and the one that scores a text."""
    causal: Annotated[Objective, objective_field("causal")] = Field({}, validate_default=True)
    """The objective of the other rows."""
    share: Scheduled[Probability] = 1 / 16
    """The fraction of the other rows, or a schedule of it."""

    @property
    def capabilities(self) -> frozenset[str]:
        return self.masked.capabilities | self.causal.capabilities

    @property
    def learns(self) -> bool:
        return self.masked.learns or self.causal.learns

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        other = noise.uniform("part", 1)[:, 0] < value(self.share, rows.progress)  # [B]
        halves = [_of_some(self.masked, rows, noise, ~other, 0), _of_some(self.causal, rows, noise, other, 1)]
        return Problem.joined(halves)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        return self.masked.scoring(rows)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Each objective observes its own rows."""
        for number, one in enumerate((self.masked, self.causal)):
            # the lowest bit is this mixture's choice; those above belong to a mixture inside it
            mine = problem.source_objective % 2 == number
            one.observe(
                replace(problem[mine], source_objective=problem.source_objective[mine] // 2), loss[mine], correct[mine]
            )


def _of_some(objective: Objective, rows: Rows, noise: Noise, chosen: Tensor, number: int) -> Problem:
    """The problem of the `chosen` rows, [B] bool; `number`, 0 or 1, is written to `source_objective`."""
    problem = objective.corrupt_some(rows, noise, chosen)
    return replace(problem, source_objective=2 * problem.source_objective + number)
