"""Whole words: all tokens of a word are chosen, or none. A word that no longer fits the budget is passed over.

With `balance` every word is hidden once in each cycle, so that the budget is met to within a word.
"""

import torch
from torch import Tensor

from ..config import settings
from ..data.rows import Rows
from ..kernels import deal_units, fit_units
from ..noise import Noise
from ..objective import Masked


@settings
class WholeWord(Masked):
    """Masked language modelling, word by word."""

    @property
    def by_word(self) -> bool:
        return True

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        budget, first, keys = self.places(rows, noise)
        if self.balance:
            return torch.from_numpy(deal_units(rows.word.numpy(), budget, first, keys, True, self.at_least_one))
        return torch.from_numpy(fit_units(rows.word.numpy(), budget, keys, self.at_least_one))
