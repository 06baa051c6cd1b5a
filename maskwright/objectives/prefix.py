"""Prefix language modelling: attention is bidirectional within a prefix, and the rest is predicted left to right.

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
from ..settings.schedule import Probability, Scheduled, value
from .base.objective import Objective, objective_field
from .base.problem import Problem


@settings
class Prefix(Objective):
    """Causal prediction of what follows a prefix; each document of a row has its own prefix."""

    prompt_from_both_sides: ClassVar[bool] = True

    share: Scheduled[Probability] | None = None
    """The fraction of a document that is its prefix, or a schedule of it; null to draw its end uniformly."""
    prediction: Annotated[Objective, objective_field("causal")] = Field({}, validate_default=True)
    """The objective that predicts the rest."""

    def __post_init__(self) -> None:
        if self.prediction.capabilities != {"forward"}:
            raise ValueError(
                f"prediction={name_of(self.prediction)}: what follows a prefix is predicted forward, as causal does"
            )

    @property
    def capabilities(self) -> frozenset[str]:
        return self.prediction.capabilities

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """The prediction's targets without those inside a prefix, which the whole document sees."""
        problem, prefix = self.prediction.corrupt(rows, noise), self.prefix(rows, noise)
        visible = prefix.roll(-1, 1)  # the next token is; a document's last position has no target anyway
        targets = torch.where(visible, IGNORE, problem.targets)
        return replace(problem, targets=targets, weights=torch.where(visible, 0.0, problem.weights), prefix_mask=prefix)

    def prefix(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] bool, the prefix of each document: its first position and a number of others, never the last."""
        number = (rows.document + 1).long()  # [B, L], 0 for padding; a document draws at the address of its number
        sizes = torch.zeros(len(rows), number.shape[1] + 1, dtype=torch.int64).scatter_add_(
            1, number, torch.ones_like(number)
        )
        u = noise.uniform("prefix", number.shape[1]).double()
        if self.share is not None:
            u = torch.full_like(u, value(self.share, rows.progress))
        max_extra = (sizes[:, 1:] - 2).clamp(min=0)
        ends = 1 + torch.minimum((u * (max_extra + 1)).long(), max_extra)  # [B, L] by document
        end = ends.gather(1, (number - 1).clamp(min=0))
        return (positions(rows.document) < end) & (number > 0)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """That of the prediction: the likelihood of a whole text, without a prefix."""
        return self.prediction.scoring(rows)
