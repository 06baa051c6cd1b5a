"""Masked next-token prediction: a masked token is predicted at the position before it, as in a causal model.

BehnamGhader et al. 2024, "LLM2Vec", section 2.1; the masked half of GPT-BERT (Charpentier and Samuel 2024, section 2).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import Field
from torch import Tensor

from ..data.rows import Rows
from ..noise import Noise
from ..settings import settings
from ..settings.bounds import MOST_SIZE
from .base.objective import Objective, objective_field
from .base.problem import Problem, shifted


@settings
class Mntp(Objective):
    """Masked next-token prediction: any masking objective, each target predicted from the position before it."""

    masking: Annotated[Objective, objective_field("mlm")] = Field({}, validate_default=True)
    """The objective that masks tokens: `masking.name=span`, `masking.ratio=0.3`."""
    shift: Annotated[int, Field(ge=-MOST_SIZE, le=MOST_SIZE)] = 1
    """How many positions before the masked token it is predicted; negative for after."""

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"mntp"} if self.shift == 1 and "unmask" in self.masking.capabilities else ())

    @property
    def learns(self) -> bool:
        return self.masking.learns

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        return shifted(self.masking.corrupt(rows, noise), rows.document, self.shift)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """Those of the masking objective, shifted in the same way."""
        return (shifted(problem, rows.document, self.shift) for problem in self.masking.scoring(rows))

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Pass the losses to the masking objective, moved back to the positions of the masked tokens."""
        names = "targets", "weights"
        moved = {name: getattr(problem, name).roll(self.shift, 1) for name in names}
        self.masking.observe(replace(problem, **moved), loss.roll(self.shift, 1), correct.roll(self.shift, 1))
