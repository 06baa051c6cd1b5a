"""Ranked spans (Charpentier and Samuel 2024, GPT-BERT): spans of uniform length tile the row, the first-ranked are chosen.

The last span is cut where the budget ends, so that the budget is exact.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ..config import settings
from ..data.rows import Rows
from ..noise import Noise
from ..objective import Masked


@settings
class RankedSpan(Masked):
    """Masked language modelling over a random tiling."""

    longest: Annotated[int, Field(ge=1)] = 3
    """Lengths are uniform from 1 to this, in tokens."""

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        place = noise.below(self.longest, "length", rows.tokens.shape[1]).add_(1).cumsum(1)  # [B, L] where tiles end
        begins = torch.zeros_like(rows.maskable)
        begins[:, 0] = True
        inside = place < rows.tokens.shape[1]
        begins.scatter_(1, torch.where(inside, place, 0), True)
        return self.draw(rows, noise, begins, whole=False)
