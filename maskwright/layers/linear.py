"""Float32 matrix products by oneDNN where it is faster than MKL: up to twice on processors not made by Intel.

MKL does not use AVX-512 there. Precision is float32 either way; only the order of summation differs.
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..hardware import quickest

MIN_MULTIPLICATIONS = 1 << 24
"""Multiplications from which a product is worth oneDNN's cost of reordering the matrix."""


class Linear(nn.Linear):
    """A linear layer that uses oneDNN for large products where it is faster."""

    def forward(self, vectors: Tensor) -> Tensor:
        return linear(vectors, self.weight, self.bias)


def linear(vectors: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """vectors [..., D] · weight [W, D]ᵀ + bias [W], [..., W]."""
    if fits(vectors, weight):
        return _onednn(vectors, weight, bias)
    return F.linear(vectors, weight, bias)


def gelu_linear(vectors: Tensor, weight: Tensor, approximate: str = "none") -> Tensor:
    """The GELU of `linear`; `approximate` is torch's, `none` or `tanh`."""
    if gelu_fits(vectors, weight):
        return _onednn_gelu(vectors, weight, approximate)
    return F.gelu(linear(vectors, weight), approximate=approximate)


def fits(vectors: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN is available and faster: large float32 products on a CPU, without gradients, not compiled."""
    large = vectors.numel() * len(weight) >= MIN_MULTIPLICATIONS
    return large and inferring(vectors, weight) and linear_kernel() == "oneDNN"


def gelu_fits(vectors: Tensor, weight: Tensor) -> bool:
    """Whether the GELU is computed within such a product."""
    return fits(vectors, weight) and gelu_kernel() == "in the product"


@cache
def linear_kernel() -> str:
    """What multiplies large float32 matrices sooner here, without gradients: `oneDNN` or `MKL`."""
    if not torch.backends.mkldnn.is_available():
        return "MKL"
    vectors, weight = _measured()
    return quickest("linear", {"oneDNN": lambda: _onednn(vectors, weight), "MKL": lambda: F.linear(vectors, weight)})


@cache
def gelu_kernel() -> str:
    """Where the GELU of such a product is computed sooner here: `in the product` or `after it`."""
    if linear_kernel() == "MKL":
        return "after it"
    vectors, weight = _measured()
    ways = {
        "in the product": lambda: _onednn_gelu(vectors, weight, "none"),
        "after it": lambda: F.gelu(_onednn(vectors, weight)),
    }
    return quickest("gelu", ways)


def _measured() -> tuple[Tensor, Tensor]:
    """Vectors and a matrix whose product takes milliseconds."""
    return torch.ones(1024, 256), torch.ones(768, 256)


def _onednn(vectors: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(vectors, weight, bias, "none", [], "")


def _onednn_gelu(vectors: Tensor, weight: Tensor, approximate: str) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(vectors, weight, None, "gelu", [], approximate)


def inferring(*tensors: Tensor) -> bool:
    """Whether these are float32 on a CPU with neither gradients, autocast nor a compiler involved."""
    plain = not (torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"))
    return plain and all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)
