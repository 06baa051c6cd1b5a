"""The moments of an Adam that an objective trains its own network by, as tensors with names, for the checkpoint."""

from collections.abc import Mapping

from torch import Tensor
from torch.optim import Optimizer


def moments(optimizer: Optimizer) -> dict[str, Tensor]:
    """All of them, by `adam.INDEX.NAME`."""
    found = optimizer.state_dict()["state"].items()
    return {f"adam.{index}.{name}": tensor for index, values in found for name, tensor in values.items()}


def load_moments(optimizer: Optimizer, state: Mapping[str, Tensor]) -> None:
    """Take over those in `state`; its other tensors are ignored."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        if name.startswith("adam."):
            _, index, what = name.split(".")
            found.setdefault(int(index), {})[what] = tensor.clone()
    optimizer.load_state_dict(optimizer.state_dict() | {"state": found})
