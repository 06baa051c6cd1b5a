"""Prefix language modelling: the beginning of a text is seen from both sides, and the rest is named from left to right.

Raffel et al. 2020, "Exploring the limits of transfer learning with a unified text-to-text transformer", section 3.2.1;
the sequence-to-sequence half of UniLM (Dong et al. 2019, section 2.2).

Shapes: B rows, L positions.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ..attention import positions
from ..data.rows import Rows
from ..masking.select import IGNORE
from ..noise import Noise
from ..settings import settings
from ..settings.registry import name_of
from .base.objective import Objective, objective_field
from .base.problem import Problem


@settings
class Prefix(Objective):
    """Causal prediction of what follows a prefix; each document of a row has one of its own."""

    prompt_from_both_sides: ClassVar[bool] = True

    share: Annotated[float, Field(ge=0, le=1)] | None = None
    """The share of a document that is its prefix; none to draw where it ends, each place as likely."""
    prediction: Annotated[Objective, objective_field("causal")] = Field({}, validate_default=True)
    """The objective that reads on from there."""

    def __post_init__(self) -> None:
        if self.prediction.capabilities != {"forward"}:
            raise ValueError(f"prediction={name_of(self.prediction)}: a prefix is read on from forward, as causal does")

    @property
    def capabilities(self) -> frozenset[str]:
        return self.prediction.capabilities

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """The prediction's questions without those about a prefix, which all of its document sees."""
        problem, shown = self.prediction.corrupt(rows, noise), self.prefix(rows, noise)
        known = shown.roll(-1, 1)  # at the end of a document nothing is asked
        targets = torch.where(known, IGNORE, problem.targets)
        return replace(problem, targets=targets, weights=torch.where(known, 0.0, problem.weights), prefix_mask=shown)

    def prefix(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] bool, the first position of each document, and of the others but the last as many as it is drawn."""
        number = (rows.document + 1).long()  # [B, L], 0 for padding
        sizes = torch.zeros(len(rows), number.shape[1] + 1, dtype=torch.int64).scatter_add_(
            1, number, torch.ones_like(number)
        )
        luck = noise.uniform("prefix", number.shape[1]).double()
        if self.share is not None:
            luck = torch.full_like(luck, self.share)
        longest = (sizes[:, 1:] - 2).clamp(min=0)
        ends = 1 + torch.minimum((luck * (longest + 1)).long(), longest)  # [B, L] by document
        here = ends.gather(1, (number - 1).clamp(min=0))
        return (positions(rows.document) < here) & (number > 0)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """That of the prediction: the likelihood of a whole text, without a prefix."""
        return self.prediction.scoring(rows)
