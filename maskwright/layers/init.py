"""Initialise a model from one explicit generator, never from torch's global one."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def fresh(make: Callable[[], nn.Module], generator: torch.Generator) -> nn.Module:
    """The module that `make` builds, on the CPU, with values drawn by its `initialise`."""
    with torch.device("meta"):  # nothing is drawn from torch's global generator, nor drawn twice
        model: Any = make()
    model.to_empty(device="cpu")
    model.initialise(generator)
    return model


def truncated_normal_(weight: Tensor, std: float, generator: torch.Generator, cut: float = 2.0) -> None:
    """Fill `weight` in place with normal draws of standard deviation `std`, truncated at ± `cut`·`std`."""
    nn.init.trunc_normal_(weight, std=std, a=-cut * std, b=cut * std, generator=generator)
