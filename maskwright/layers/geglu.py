"""GEGLU: a feed-forward layer in which one half of the inner vector gates the other.

Shazeer 2020, GLU Variants Improve Transformer (arXiv 2002.05202), without biases.
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from .joint import Joint
from .linear import Linear, gelu_fits, gelu_linear, linear


class Geglu(nn.Module):
    """D → 2·intermediate → intermediate → D; `between` (a norm, a dropout) is applied before the last matrix."""

    def __init__(self, hidden: int, intermediate: int, between: nn.Module, gelu: Literal["none", "tanh"], gate: int):
        """`gelu` is the approximation torch uses; `gate` says which half (0 or 1) passes through the GELU."""
        super().__init__()
        self.into = Joint(hidden, intermediate, 2, bias=False)
        self.between = between
        self.out = Linear(intermediate, hidden, bias=False)
        self.gelu, self.gate = gelu, gate

    def forward(self, hidden: Tensor) -> Tensor:
        """[B, L, D] → [B, L, D]."""
        return self.out(self.between(self.gated(hidden)))

    def gated(self, hidden: Tensor) -> Tensor:
        """[B, L, I]; the halves are computed apart where oneDNN fuses the GELU with the product."""
        if gelu_fits(hidden, self.into.weight):
            halves = self.into.weight.chunk(2)
            return gelu_linear(hidden, halves[self.gate], self.gelu).mul_(linear(hidden, halves[1 - self.gate]))
        both = self.into(hidden).chunk(2, dim=-1)  # 2 × [B, L, I]
        return F.gelu(both[self.gate], approximate=self.gelu) * both[1 - self.gate]
