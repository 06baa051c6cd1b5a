"""Whole words: all tokens of a word are chosen, or none. A word that no longer fits the budget is passed over."""

import torch
from torch import Tensor

from ..config import settings
from ..data.rows import Rows
from ..noise import Noise
from ..objective import Masked


@settings
class WholeWord(Masked):
    """Masked language modelling, word by word."""

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        begins = torch.ones_like(rows.maskable)
        torch.ne(rows.word[:, 1:], rows.word[:, :-1], out=begins[:, 1:])
        return self.draw(rows, noise, begins, whole=True)
