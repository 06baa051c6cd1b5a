"""Sharded tensors (DTensor): gather them, scatter them, copy into them; ordinary tensors pass through unchanged.

They are known by their methods: their module takes seconds to import, and brings the compiler with it.
"""

from typing import Any

import torch
from torch import Tensor


def whole(tensor: Tensor) -> Tensor:
    """The full tensor. Collective: every rank must call it at the same time."""
    sharded: Any = tensor
    return sharded.full_tensor() if is_sharded(tensor) else tensor


def like(part: Tensor, tensor: Tensor) -> Tensor:
    """The shard of the full `tensor` (equal on all ranks) that matches the placement of `part`."""
    if not is_sharded(part):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    sharded: Any = part
    return distribute_tensor(tensor.to(part.device), sharded.device_mesh, sharded.placements, src_data_rank=None)


@torch.no_grad()
def put(part: Tensor, tensor: Tensor) -> None:
    """Copy the full `tensor` into the possibly sharded `part`, in place."""
    part.copy_(like(part, tensor))


def is_sharded(tensor: Tensor) -> bool:
    """Whether this is a DTensor, of which a rank holds a part."""
    return hasattr(tensor, "full_tensor")
