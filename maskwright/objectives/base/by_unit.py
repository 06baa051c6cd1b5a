"""Masking by units: either all positions of a unit are masked or none. A unit that exceeds the budget left is skipped.

With `balance` every unit is masked once per cycle, so the budget is met to within a unit.

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
    """Masked language modelling by unit. A subclass only says which positions form a unit: `units`."""

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
