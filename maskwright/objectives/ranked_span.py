"""Ranked spans (Charpentier and Samuel 2024, GPT-BERT): spans of uniform length tile the row and are put in random
order; the first of them are masked. The last is cut where the budget ends, so that the budget is exact.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ..data.rows import Rows
from ..masking.select import random_tiling, select_spans_cyclic
from ..noise import Noise
from ..settings import settings
from .base.objective import Masked


@settings
class RankedSpan(Masked):
    """Masked language modelling over a random tiling of the row into spans."""

    max_span_length: Annotated[int, Field(ge=1)] = 3
    """Lengths are uniform from 1 to this, in tokens."""

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        tiles = random_tiling(rows.word.numpy(), self.order(noise).keys("length"), self.max_span_length)
        return torch.from_numpy(select_spans_cyclic(tiles, *self.budget_and_order(rows, noise), False, False))
