"""A model whose every value comes from one generator, and none from torch's own."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def fresh(make: Callable[[], nn.Module], generator: torch.Generator) -> nn.Module:
    """The module that `make` gives, on the CPU, with the values that its `initialise` draws."""
    with torch.device("meta"):
        model: Any = make()
    model.to_empty(device="cpu")
    model.initialise(generator)
    return model


def truncated_normal_(weight: Tensor, std: float, generator: torch.Generator, cut: float = 2.0) -> None:
    """Fill `weight` (any shape) in place with normal draws of deviation `std` before truncation at ± `cut`·`std`."""
    nn.init.trunc_normal_(weight, std=std, a=-cut * std, b=cut * std, generator=generator)
