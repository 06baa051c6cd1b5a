"""A model whose every value comes from one generator, and none from torch's own."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def fresh(make: Callable[[], nn.Module], generator: torch.Generator) -> nn.Module:
    """The module that `make` gives, on the CPU, with the values that its `initialise` draws."""
    with torch.device("meta"):
        model: Any = make()
    model.to_empty(device="cpu")
    model.initialise(generator)
    return model
