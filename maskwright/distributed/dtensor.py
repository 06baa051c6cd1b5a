"""Sharded tensors (DTensor): gather them, scatter them, copy into them; ordinary tensors pass through unchanged."""

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor


def whole(tensor: Tensor) -> Tensor:
    """The full tensor. Collective: every rank must call it at the same time."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def like(part: Tensor, tensor: Tensor) -> Tensor:
    """The shard of the full `tensor` (equal on all ranks) that matches the placement of `part`."""
    if not isinstance(part, DTensor):
        return tensor
    return distribute_tensor(tensor.to(part.device), part.device_mesh, part.placements, src_data_rank=None)


@torch.no_grad()
def put(part: Tensor, tensor: Tensor) -> None:
    """Copy the full `tensor` into the possibly sharded `part`, in place."""
    part.copy_(like(part, tensor))
