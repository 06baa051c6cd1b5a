"""What is done to queries, keys, values and the output of attention, besides attention."""

from typing import Literal

import torch
from torch import Tensor, nn

from ...settings import settings
from ..init import Gains
from ..linear import Linear, linear

TINY_SQUARE = 1e-6


@settings
class HeadOptions:
    """Variants of attention."""

    qk_norm: bool = False
    """Whether queries and keys are divided by their root mean square, by head, and multiplied by learned gains, before
    rotation (Henry et al. 2020, arXiv 2010.04245; with gains Dehghani et al. 2023, arXiv 2302.05442)."""
    gate: bool = False
    """Whether each head is multiplied by 2 · sigmoid of a number computed from the input of attention (Qiu et al. 2025,
    arXiv 2505.06708, section 2.2, there without the 2); it begins as 1."""
    values: Literal["own", "first", "input"] = "own"
    """What the values of every layer but the first are mixed with, by a learned share that begins as a half: `first`,
    those of the first layer (Zhou et al. 2024, arXiv 2410.17897); `input`, those that the layer computes from what the
    first one reads; `own`, nothing."""


class HeadNorm(Gains):
    """Vectors of a head divided by their root mean square and multiplied by gains, which begin as 1."""

    def __init__(self, width: int):
        super().__init__()
        self.query_gain = nn.Parameter(torch.empty(width))
        self.key_gain = nn.Parameter(torch.empty(width))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        self.query_gain.fill_(1)
        self.key_gain.fill_(1)

    def forward(self, vectors: Tensor) -> Tensor:
        """Queries and keys as one, [..., 2, H, width] → the same shape and dtype, computed in float32."""
        return _normed(vectors, torch.stack([self.query_gain, self.key_gain])[:, None])

    def queries(self, vectors: Tensor) -> Tensor:
        """Queries alone, [..., width]."""
        return _normed(vectors, self.query_gain)

    def keys(self, vectors: Tensor) -> Tensor:
        """Keys alone, [..., width]."""
        return _normed(vectors, self.key_gain)


def _normed(vectors: Tensor, gain: Tensor) -> Tensor:
    wide = vectors.float()
    return (wide * (wide.square().mean(-1, keepdim=True) + TINY_SQUARE).rsqrt() * gain).to(vectors.dtype)


class HeadGate(Gains):
    """2 · sigmoid(W x) for each head; W begins as 0."""

    def __init__(self, hidden: int, heads: int):
        super().__init__()
        self.heads = heads
        self.into = Linear(hidden, heads, bias=False)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        self.into.weight.zero_()

    def forward(self, mixed: Tensor, hidden: Tensor) -> Tensor:
        """The output of attention and its input, [..., D] each → [..., D]."""
        gate = 2 * self.into(hidden).sigmoid()  # [..., H]
        return (mixed.unflatten(-1, (self.heads, -1)) * gate[..., None]).flatten(-2)


class ValueMix(Gains):
    """Values (1 − λ) v + λ v₁, where v₁ are those of the first layer, or those that this layer computes from x₀."""

    def __init__(self, kind: Literal["first", "input"]):
        super().__init__()
        self.kind = kind
        self.share = nn.Parameter(torch.empty(1))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        self.share.fill_(0.5)

    def forward(self, weight: Tensor, hidden: Tensor, source: Tensor) -> Tensor:
        """hidden [B, L, D] · weightᵀ, [B, L, n·D], the last D of which are the values, mixed.

        weight: [n·D, D].  source: [B, L, D], the values of the first layer or, as `input`, what it reads: that is mixed
        in before the product, which is the same and costs nothing.
        """
        rest, values = weight.split([len(weight) - hidden.shape[-1], hidden.shape[-1]])
        others = linear(hidden, rest)
        if self.kind == "input":
            mixed = linear(hidden + self.share * (source - hidden), values)
        else:
            own = linear(hidden, values)
            mixed = own + self.share * (source - own)
        return torch.cat([others, mixed.to(others.dtype)], dim=-1)
