"""Masking by units: all positions of one are chosen, or none. One that no longer fits the budget is passed over.

With `balance` every unit is hidden once in each cycle, so that the budget is met to within a unit.

Shapes: B rows, L positions.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from ...data.rows import Rows
from ...masking.select import select_spans_cyclic, select_spans_fitting
from ...noise import Noise
from ...settings import settings
from .objective import Masked


@settings
class ByUnit(Masked, ABC):
    """Masked language modelling, unit by unit. A subclass only says which positions are one: `units`."""

    @property
    def by_word(self) -> bool:
        return True

    @abstractmethod
    def units(self, rows: Rows) -> np.ndarray:
        """[B, L] int32, the number of each position's unit (1, 2, ... along the row); 0 for what is never chosen."""

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        budget, first, keys = self.budget_and_order(rows, noise)
        if self.balance:
            return torch.from_numpy(select_spans_cyclic(self.units(rows), budget, first, keys, True, self.at_least_one))
        return torch.from_numpy(select_spans_fitting(self.units(rows), budget, keys, self.at_least_one))
