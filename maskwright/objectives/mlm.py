"""BERT: choose tokens one by one (Devlin et al. 2019), exactly as many as the ratio says."""

import torch
from torch import Tensor

from ..config import settings
from ..data.rows import Rows
from ..noise import Noise
from ..objective import Masked


@settings
class Mlm(Masked):
    """Masked language modelling, token by token."""

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        return self.draw(rows, noise, begins=torch.ones_like(rows.maskable), whole=True)
