"""FP8 training of the blocks' matrix products (Micikevicius et al. 2022, arXiv 2209.05433), with torchao.

Experimental. Weights and activations are rounded to e4m3 and gradients to e5m2, with one scale per tensor. The weights
themselves stay float32 under their usual names, so checkpoints are interchangeable with other runs; evaluation is not
rounded.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.func import functional_call

SIDE = 16
"""Both sides of a matrix must be a multiple of this: a requirement of the hardware kernels."""
LEAST = (8, 9)
"""Lowest compute capability with FP8 matrix products (Ada; Hopper is 9.0)."""


def check(device: torch.device) -> None:
    """Raises ImportError when torchao is missing, and ValueError when `device` has no FP8 matrix products."""
    if find_spec("torchao") is None:
        raise ImportError("training.precision=fp8 needs torchao: pip install 'maskwright[fp8]'")
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < LEAST:
        least = ".".join(map(str, LEAST))
        raise ValueError(f"training.precision=fp8 needs a GPU of compute capability {least}, not {device}: use bf16")


def convert(model: nn.Module, emulate: bool = False) -> None:
    """Use FP8 products in the blocks of `model` during training. `emulate` rounds alike but multiplies in high
    precision.

    Raises ValueError when the side of a matrix is not a multiple of 16.
    """
    from torchao.float8 import Float8LinearConfig, convert_to_float8_training

    settings = Float8LinearConfig(emulate=emulate, pad_inner_dim=True)
    for name, part in model.layers.named_modules():  # type: ignore[union-attr]
        if isinstance(part, nn.Linear):
            into, out = part.in_features, part.out_features
            if into % SIDE or out % SIDE:
                raise ValueError(
                    f"training.precision=fp8: both sides of layers.{name} ({into} × {out}) must be multiples of {SIDE}"
                )
            rounded = convert_to_float8_training(nn.Linear(into, out, part.bias is not None, "meta"), config=settings)
            part.forward = partial(_product, part, part.forward, rounded)  # type: ignore[method-assign]


def _product(part: nn.Module, plain: Callable[[Tensor], Tensor], rounded: nn.Module, vectors: Tensor) -> Tensor:
    """vectors [..., D] by the weights that `part` has now, [..., W]."""
    return functional_call(rounded, dict(part.named_parameters()), vectors) if part.training else plain(vectors)
