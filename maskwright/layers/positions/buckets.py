"""Logarithmic distance buckets: each near distance has its own, and farther ones share ever wider buckets.

He et al. 2021, DeBERTa (arXiv 2006.03654): those of its second version, which LTG-BERT adopted.
"""

import math

import torch
from torch import Tensor, nn


class Buckets(nn.Module):
    """The bucket of every pair of positions in rows of up to `max_length`, out of 2·count − 1 for both directions.

    Distances up to `near` have a bucket each; those from `far` − 1 on share the last. The table is not saved with the
    weights; `fill` computes it.
    """

    table: Tensor

    def __init__(self, max_length: int, near: int, far: int, count: int):
        super().__init__()
        self.max_length, self.near, self.far, self.count = max_length, near, far, count
        self.register_buffer("table", torch.empty(max_length, max_length, dtype=torch.int64), persistent=False)

    def fill(self) -> None:
        """Compute the table, on its device: from 0 to 2·count − 2, for query minus key."""
        position = torch.arange(self.max_length, device=self.table.device)
        distance = position[:, None] - position[None, :]
        self.table.copy_(log_buckets(distance, self.near, self.far, self.count) + self.count - 1)

    def forward(self, length: int) -> Tensor:
        """[length, length, 2·count − 1] bool: the one-hot bucket of each (query, key)."""
        buckets = torch.arange(2 * self.count - 1, device=self.table.device)
        return self.table[:length, :length, None] == buckets


def log_buckets(distance: Tensor, near: int, far: int, count: int) -> Tensor:
    """The signed bucket of each distance.

    distance: any shape, integers.  Returns int64 of the same shape: `distance` itself up to ± `near`, then
    sign · (near + ceil((count − near − 1) · ln(|d| / near) / ln((far − 1) / near))), at most ± (count − 1).
    """
    size = distance.abs().clamp(max=far - 1)
    beyond = (size.clamp(min=near).double() / near).log() / math.log((far - 1) / near)  # 0 at near, 1 at far − 1
    # float64, and a little less than the quotient: rounding must not lift an exact integer to the next bucket
    logarithmic = near + (beyond * (count - near - 1) - 1e-9).ceil().long()
    return distance.sign() * torch.where(size <= near, size, logarithmic)
