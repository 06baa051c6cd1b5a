"""Lion: the sign of a mean gradient is the step (Chen et al. 2023, arXiv 2302.06675, algorithm 2).

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
class Lion:
    """Decays matrices when asked to; embeddings only with `decay_embeddings`; vectors never."""

    lr: Annotated[float, Field(gt=0)] = 1e-3
    """Peak learning rate; a third to a tenth of AdamW's."""
    betas: tuple[Share, Share] = (0.9, 0.99)
    """Decay per step of the mean whose sign is the step, and of the one that is kept."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    """Share of a matrix that is lost per step and unit of learning rate."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, one parameter group a role, each at its peak `lr`."""
        from pytorch_optimizer import Lion

        parts = groups(model, self.weight_decay, self.decay_embeddings)
        return Lion(parts, lr=self.lr, betas=self.betas)
