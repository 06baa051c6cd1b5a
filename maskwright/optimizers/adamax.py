"""Adamax: Adam with the largest gradient in place of the root mean square (Kingma and Ba 2015, section 7.1).

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
class Adamax:
    """Decays matrices when asked to; embeddings only with `decay_embeddings`; vectors never."""

    lr: Annotated[float, Field(gt=0)] = 2e-3
    """Peak learning rate."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    """Decay per step of the mean gradient and of the largest."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the size of a gradient before it is compared with the largest."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Share of a matrix that is added to its gradient, which is not AdamW's decay."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, one parameter group a role, each at its peak `lr`."""
        parts = groups(model, self.weight_decay, self.decay_embeddings)
        return torch.optim.Adamax(parts, lr=self.lr, betas=self.betas, eps=self.eps)
