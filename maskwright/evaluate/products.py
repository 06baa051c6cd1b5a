"""Float32 matrix products by oneDNN, which takes half as long as MKL on processors that are not Intel's.

MKL leaves their AVX-512 aside. The precision stays that of float32: sums are only added in another order.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

LEAST = 1 << 24
"""Multiplications from which on a product wins back what oneDNN takes to lay out its matrix."""


class OneDnn(TorchFunctionMode):
    """Within it, large float32 products of linear layers on a processor are oneDNN's, without gradients."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is F.linear and not kwargs and fits(*args):
            return product(*args)
        return func(*args, **(kwargs or {}))


def fits(vectors: Tensor, weight: Tensor, bias: Tensor | None = None) -> bool:
    """Whether oneDNN is there and is sooner: vectors [..., D], weight [W, D]."""
    single = vectors.dtype == weight.dtype == torch.float32 and vectors.device.type == "cpu"
    return single and vectors.numel() * len(weight) >= LEAST and torch.backends.mkldnn.is_available()


def product(vectors: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """vectors · weightᵀ + bias, [..., W]."""
    return torch.ops.mkldnn._linear_pointwise(vectors, weight, bias, "none", [], "")
