"""Matrix products of the blocks in 8 bits while they learn (Micikevicius et al. 2022, arXiv 2209.05433), by torchao.

An experiment. Weights and inputs are rounded to e4m3, gradients to e5m2, each tensor scaled by its largest value.
Weights stay float32 under their names, so checkpoints are those of any run, and what is only read is not rounded.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.func import functional_call

SIDE = 16
"""What the sides of a matrix are multiples of, for the hardware."""
LEAST = (8, 9)
"""The first compute capability with such products (Ada; Hopper is 9.0)."""


def check(device: torch.device) -> None:
    """Raises ImportError without torchao, and ValueError where `device` has no such products."""
    if find_spec("torchao") is None:
        raise ImportError("training.precision=fp8 needs torchao: pip install 'maskwright[fp8]'")
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < LEAST:
        least = ".".join(map(str, LEAST))
        raise ValueError(f"training.precision=fp8 needs a GPU of compute capability {least}, not {device}: take bf16")


def convert(model: nn.Module, emulate: bool = False) -> None:
    """Let the blocks of `model` multiply so. `emulate` rounds alike but multiplies what was rounded, on any device.

    Raises ValueError when a matrix has a side that is no multiple of 16.
    """
    from torchao.float8 import Float8LinearConfig, convert_to_float8_training

    knobs = Float8LinearConfig(emulate=emulate, pad_inner_dim=True)
    for name, part in model.layers.named_modules():  # type: ignore[union-attr]
        if isinstance(part, nn.Linear):
            into, out = part.in_features, part.out_features
            if into % SIDE or out % SIDE:
                raise ValueError(f"training.precision=fp8: {SIDE} must divide layers.{name}, {into} × {out}")
            rounded = convert_to_float8_training(nn.Linear(into, out, part.bias is not None, "meta"), config=knobs)
            part.forward = partial(_product, part, part.forward, rounded)  # type: ignore[method-assign]


def _product(part: nn.Module, plain: Callable[[Tensor], Tensor], rounded: nn.Module, vectors: Tensor) -> Tensor:
    """vectors [..., D] by the weights that `part` has now, [..., W]."""
    return functional_call(rounded, dict(part.named_parameters()), vectors) if part.training else plain(vectors)
