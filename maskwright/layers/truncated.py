"""The initial values of a weight: normal, cut at a number of standard deviations, drawn from a given generator."""

import torch
from torch import Tensor, nn


def truncated_normal_(weight: Tensor, std: float, generator: torch.Generator, cut: float = 2.0) -> None:
    """Fill `weight` (any shape) in place with normal draws of deviation `std` before truncation at ± `cut`·`std`."""
    nn.init.trunc_normal_(weight, std=std, a=-cut * std, b=cut * std, generator=generator)
