"""Ranked spans (Charpentier and Samuel 2024, GPT-BERT): spans of uniform length tile the row and are put in random
order; the first of them are masked. The last is cut where the budget ends, so that the budget is exact.
"""

import torch
from torch import Tensor

from ..data.rows import Rows
from ..masking.select import random_tiling, select_spans_cyclic
from ..noise import Noise
from ..settings import settings
from ..settings.bounds import Size
from ..settings.schedule import Scheduled, constant, whole
from .base.objective import Masked


@settings
class RankedSpan(Masked):
    """Masked language modelling over a random tiling of the row into spans."""

    max_span_length: Scheduled[Size] = 3
    """Lengths are uniform from 1 to this, in tokens, or a schedule of it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.balance and not constant(self.max_span_length):
            raise ValueError("balance needs a constant max_span_length: the epochs of a cycle share the spans of a row")

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        longest = whole(self.max_span_length, rows.progress)
        tiles = random_tiling(rows.word.numpy(), self.order(noise).keys("length"), longest)
        return torch.from_numpy(select_spans_cyclic(tiles, *self.budget_and_order(rows, noise), False, False))
