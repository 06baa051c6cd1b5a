"""RMSprop: steps of gradient over root mean square (Tieleman and Hinton 2012, lecture 6.5).

The arithmetic is torch's own.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from ..settings import settings
from ..settings.schedule import Share
from ._groups import groups


@settings
class Rmsprop:
    """Decays matrices when asked to; embeddings only with `decay_embeddings`; vectors never."""

    lr: Annotated[float, Field(gt=0)] = 1e-3
    """Peak learning rate."""
    alpha: Share = 0.99
    """Decay per step of the mean square of the gradient."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the root of the squares."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay per step of the sum of past steps; 0 for none."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Share of a matrix that is added to its gradient, which is not AdamW's decay."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, one parameter group a role, each at its peak `lr`."""
        parts = groups(model, self.weight_decay, self.decay_embeddings)
        return torch.optim.RMSprop(parts, lr=self.lr, alpha=self.alpha, eps=self.eps, momentum=self.momentum)
