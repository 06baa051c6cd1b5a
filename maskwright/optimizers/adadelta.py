"""Adadelta: steps that are to the gradient as past steps were to past gradients (Zeiler 2012, arXiv 1212.5701).

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
class Adadelta:
    """Decays matrices when asked to; embeddings only with `decay_embeddings`; vectors never."""

    lr: Annotated[float, Field(gt=0)] = 1.0
    """Peak learning rate, a factor on steps that need none."""
    rho: Share = 0.9
    """Decay per step of the mean squares, of gradients and of steps."""
    eps: Annotated[float, Field(gt=0)] = 1e-6
    """Added to both mean squares; the first steps are as long as its root."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Share of a matrix that is added to its gradient, which is not AdamW's decay."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, one parameter group a role, each at its peak `lr`."""
        parts = groups(model, self.weight_decay, self.decay_embeddings)
        return torch.optim.Adadelta(parts, lr=self.lr, rho=self.rho, eps=self.eps)
