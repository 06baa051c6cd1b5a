"""Adagrad: steps of gradient over the root of the sum of all squares so far (Duchi et al. 2011, JMLR 12).

The arithmetic is torch's own.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from ..settings import settings
from ._groups import groups


@settings
class Adagrad:
    """Decays matrices when asked to; embeddings only with `decay_embeddings`; vectors never."""

    lr: Annotated[float, Field(gt=0)] = 1e-2
    """Peak learning rate."""
    eps: Annotated[float, Field(gt=0)] = 1e-10
    """Added to the root of the squares."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Share of a matrix that is added to its gradient, which is not AdamW's decay."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, one parameter group a role, each at its peak `lr`."""
        parts = groups(model, self.weight_decay, self.decay_embeddings)
        return torch.optim.Adagrad(parts, lr=self.lr, eps=self.eps)
