"""Float32 matrix products by oneDNN, which is up to twice as fast as MKL on processors not made by Intel.

MKL does not use AVX-512 there. Precision is float32 either way; only the order of summation differs.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MIN_MULTIPLICATIONS = 1 << 24
"""Multiplications from which a product is worth oneDNN's cost of reordering the matrix."""


class Linear(nn.Linear):
    """A linear layer that uses oneDNN for large products where it is faster."""

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
    """Whether oneDNN is available and faster: large float32 products on a CPU, without gradients, not compiled."""
    large = vectors.numel() * len(weight) >= MIN_MULTIPLICATIONS
    return large and inferring(vectors, weight) and torch.backends.mkldnn.is_available()


def inferring(*tensors: Tensor) -> bool:
    """Whether these are float32 on a CPU with neither gradients, autocast nor a compiler involved."""
    plain = not (torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"))
    return plain and all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)
