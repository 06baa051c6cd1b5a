"""AdamW: Adam whose weight decay does not pass through the moments (Loshchilov and Hutter 2019, arXiv 1711.05101).

The arithmetic is torch's own, in its fused kernel: one pass over memory a step.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from ..settings import settings
from ..settings.schedule import Share
from ._groups import groups


@settings
class Adamw:
    """Decays matrices; embeddings as in LTG-BERT not, unless `decay_embeddings` (GPT-BERT); vectors never."""

    lr: Annotated[float, Field(gt=0)] = 1e-3
    """Peak learning rate."""
    betas: tuple[Share, Share] = (0.9, 0.98)
    """Decay per step of the mean gradient and of its square."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the root of the squares."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    """Share of a matrix that is lost per step and unit of learning rate."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""
    fused: bool = True
    """Whether a step is one kernel; without it the rounding differs."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, one parameter group a role, each at its peak `lr`."""
        parts = groups(model, self.weight_decay, self.decay_embeddings)
        return torch.optim.AdamW(parts, lr=self.lr, betas=self.betas, eps=self.eps, fused=self.fused)
