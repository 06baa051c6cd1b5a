"""Float32 matrix products by oneDNN, which takes half as long as MKL on processors that are not Intel's.

MKL leaves their AVX-512 aside. The precision stays that of float32: sums are only added in another order.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAST = 1 << 24
"""Multiplications from which on a product wins back what oneDNN takes to lay out its matrix."""


class Linear(nn.Linear):
    """A linear layer whose large products are oneDNN's where it is sooner."""

    def forward(self, vectors: Tensor) -> Tensor:
        return linear(vectors, self.weight, self.bias)


def linear(vectors: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """vectors [..., D] · weight [W, D]ᵀ + bias [W], [..., W]."""
    if fits(vectors, weight):
        return torch.ops.mkldnn._linear_pointwise(vectors, weight, bias, "none", [], "")
    return F.linear(vectors, weight, bias)


def gelu_linear(vectors: Tensor, weight: Tensor, approximate: str = "none") -> Tensor:
    """The GELU of `linear`; `approximate` is torch's, `none` or `tanh`."""
    if fits(vectors, weight):
        return torch.ops.mkldnn._linear_pointwise(vectors, weight, None, "gelu", [], approximate)
    return F.gelu(linear(vectors, weight), approximate=approximate)


def fits(vectors: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN is there and is sooner: large, in float32 on a processor, without gradients, not compiled."""
    large = vectors.numel() * len(weight) >= LEAST
    return large and inferring(vectors, weight) and torch.backends.mkldnn.is_available()


def inferring(*tensors: Tensor) -> bool:
    """Whether these are float32 on a processor and nobody follows what is done to them: no gradients, no compiler."""
    plain = not (torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"))
    return plain and all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)
