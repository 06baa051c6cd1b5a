"""Feed-forward layers with other activations than GEGLU, gated or not.

Shazeer 2020, GLU Variants Improve Transformer (arXiv 2002.05202); So et al. 2021, Primer (arXiv 2109.08668), for the
square of ReLU.
"""

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ..geglu import Geglu
from ..joint import Joint
from ..linear import Linear

FeedForwardKind = Literal["geglu", "swiglu", "reglu", "relu2", "relu2_glu"]


def squared_relu(vectors: Tensor) -> Tensor:
    """max(x, 0)²."""
    return F.relu(vectors).square()


KINDS: dict[str, tuple[Callable[[Tensor], Tensor], bool]] = {
    "swiglu": (F.silu, True),
    "reglu": (F.relu, True),
    "relu2": (squared_relu, False),
    "relu2_glu": (squared_relu, True),
}
"""The activation, and whether it gates a second half."""


def feed_forward(kind: FeedForwardKind, hidden: int, intermediate: int, between: nn.Module) -> nn.Module:
    """The layer of a kind; `between` is applied before the last matrix."""
    if kind == "geglu":
        return Geglu(hidden, intermediate, between, gelu="none", gate=0)
    return FeedForward(kind, hidden, intermediate, between)


class FeedForward(nn.Module):
    """D → intermediate → D, without biases; where one half gates the other, the first matrix is twice as wide."""

    def __init__(self, kind: str, hidden: int, intermediate: int, between: nn.Module):
        super().__init__()
        self.activation, self.gated = KINDS[kind]
        self.into = Joint(hidden, intermediate, 1 + self.gated, bias=False)
        self.between = between
        self.out = Linear(intermediate, hidden, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """[..., D] → [..., D]."""
        inner, *others = self.into(hidden).chunk(1 + self.gated, dim=-1)
        inner = self.activation(inner)
        for other in others:
            inner = inner * other
        branch: Tensor = self.out(self.between(inner))
        return branch
