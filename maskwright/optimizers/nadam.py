"""NAdam: Adam whose momentum looks one step ahead (Dozat 2016, "Incorporating Nesterov momentum into Adam").

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
class Nadam:
    """Decays matrices when asked to; embeddings only with `decay_embeddings`; vectors never."""

    lr: Annotated[float, Field(gt=0)] = 2e-3
    """Peak learning rate."""
    betas: tuple[Share, Share] = (0.9, 0.999)
    """Decay per step of the mean gradient and of its square."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the root of the squares."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Share of a matrix that is added to its gradient, which is not AdamW's decay."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, one parameter group a role, each at its peak `lr`."""
        parts = groups(model, self.weight_decay, self.decay_embeddings)
        return torch.optim.NAdam(parts, lr=self.lr, betas=self.betas, eps=self.eps)
