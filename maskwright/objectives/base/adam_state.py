"""The state of the Adam that trains an objective's own network, as named tensors for the checkpoint."""

from collections.abc import Mapping

from torch import Tensor
from torch.optim import Optimizer


def moments(optimizer: Optimizer) -> dict[str, Tensor]:
    """Adam's moments and step counts, by `adam.INDEX.NAME`."""
    found = optimizer.state_dict()["state"].items()
    return {f"adam.{index}.{name}": tensor for index, values in found for name, tensor in values.items()}


def load_moments(optimizer: Optimizer, state: Mapping[str, Tensor]) -> None:
    """Restore the moments in `state`; its other tensors are ignored."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        if name.startswith("adam."):
            _, index, what = name.split(".")
            found.setdefault(int(index), {})[what] = tensor.clone()
    optimizer.load_state_dict(optimizer.state_dict() | {"state": found})
