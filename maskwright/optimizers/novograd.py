"""NovoGrad: gradients over the norm of their whole matrix, then momentum (Ginsburg et al. 2019, arXiv 1905.11286).

The arithmetic is that of `pytorch-optimizer`.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from ..settings import settings
from ..settings.schedule import Share
from ._groups import groups


@settings
class Novograd:
    """Decays matrices when asked to; embeddings only with `decay_embeddings`; vectors never."""

    lr: Annotated[float, Field(gt=0)] = 1e-2
    """Peak learning rate."""
    betas: tuple[Share, Share] = (0.95, 0.98)
    """Decay per step of the mean step and of the gradient's squared norm."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the norm."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Share of a matrix that is added to its normed gradient (algorithm 1)."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, one parameter group a role, each at its peak `lr`."""
        from pytorch_optimizer import NovoGrad

        parts = groups(model, self.weight_decay, self.decay_embeddings)
        return NovoGrad(parts, lr=self.lr, betas=self.betas, eps=self.eps)
