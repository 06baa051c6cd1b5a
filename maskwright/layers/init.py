"""Initialise a model from one explicit generator, never from torch's global one."""

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


def fresh(make: Callable[[], nn.Module], generator: torch.Generator) -> nn.Module:
    """The module that `make` builds, on the CPU, with values drawn by its `initialise`.

    Raises ValueError, before anything is allocated, when this machine has no room for it.
    """
    with _Empty():
        with torch.device("meta"):  # nothing is drawn from torch's global generator, nor drawn twice
            model: Any = make()
        check_memory(model)
        model.to_empty(device="cpu")
    model.initialise(generator)
    return model


class _Empty(TorchFunctionMode):
    """Modules without their first values: on the meta device these would import the compiler, seconds for nothing."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if getattr(function, "__module__", "") == "torch.nn.init":
            return given["tensor"]
        if function is torch.empty_like:
            (like,) = args
            return torch.empty(like.shape, dtype=like.dtype, **given)
        return function(*args, **given)


class Gains(nn.Module):
    """A module whose few numbers begin alike whatever the seed; `reset_parameters` puts them there."""

    def reset_parameters(self) -> None:
        """What the numbers begin with."""
        raise NotImplementedError


def check_memory(model: nn.Module) -> None:
    """Raises ValueError where this machine has no room for `model`, which may lie on the meta device."""
    needed = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        sizes = f"the model takes {needed / 2**30:,.0f} GiB, and this machine has {there / 2**30:,.0f}"
        raise ValueError(f"{sizes}: take a smaller one, by model.hidden, .layers, .intermediate or .max_length")


def truncated_normal_(weight: Tensor, std: float, generator: torch.Generator, cut: float = 2.0) -> None:
    """Fill `weight` in place with normal draws of standard deviation `std`, truncated at ± `cut`·`std`."""
    nn.init.trunc_normal_(weight, std=std, a=-cut * std, b=cut * std, generator=generator)
