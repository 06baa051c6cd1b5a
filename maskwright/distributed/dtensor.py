"""Tensors of which every rank holds a part (DTensor), made whole and put back; other tensors stay what they are."""

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor


def whole(tensor: Tensor) -> Tensor:
    """All of `tensor`. Every rank must call it at the same time."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def like(part: Tensor, tensor: Tensor) -> Tensor:
    """The part of the whole `tensor`, the same on all ranks, that belongs where `part` is."""
    if not isinstance(part, DTensor):
        return tensor
    return distribute_tensor(tensor.to(part.device), part.device_mesh, part.placements, src_data_rank=None)


@torch.no_grad()
def put(part: Tensor, tensor: Tensor) -> None:
    """Write the whole `tensor` where `part` is."""
    part.copy_(like(part, tensor))
