"""BERT (Devlin et al. 2019): mask single tokens, uniformly at random, with an exact budget."""

import torch
from torch import Tensor

from ..data.rows import Rows
from ..masking.select import select_tokens
from ..noise import Noise
from ..settings import settings
from .base.objective import Masked


@settings
class Mlm(Masked):
    """Masked language modelling, token by token."""

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        return torch.from_numpy(select_tokens(rows.word.numpy(), *self.budget_and_order(rows, noise)))
