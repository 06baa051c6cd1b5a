"""Buckets of distances: near ones are told apart, far ones share a bucket the wider the farther they are.

Huang et al. 2020 / He et al. 2021 (DeBERTa, arXiv 2006.03654; the logarithmic form is DeBERTa-v2's and LTG-BERT's).
"""

import math

import torch
from torch import Tensor


def log_buckets(distance: Tensor, near: int, far: int, count: int) -> Tensor:
    """The signed bucket of each distance.

    distance: any shape, integers.  Returns int64 of the same shape: `distance` itself up to ± `near`, then
    sign · (near + ceil((count − near − 1) · ln(|d| / near) / ln((far − 1) / near))), at most ± (count − 1).
    """
    size = distance.abs().clamp(max=far - 1)
    beyond = (size.clamp(min=near).double() / near).log() / math.log((far - 1) / near)  # 0 at near, 1 at far − 1
    logarithmic = near + (beyond * (count - near - 1) - 1e-9).ceil().long()
    return distance.sign() * torch.where(size <= near, size, logarithmic)


def bucket_index(positions: Tensor, near: int, far: int, count: int) -> Tensor:
    """For every pair (query, key) the row of a table of 2·count − 1 buckets that stands for their distance.

    positions: [B, L] int64.  Returns [B, 1, L, L] int64; the distance is the query's position minus the key's.
    """
    steps = torch.arange(1 - far, far, device=positions.device)
    table = log_buckets(steps, near, far, count) + count - 1  # [2·far − 1], from 0 to 2·count − 2
    distance = positions[:, :, None] - positions[:, None, :]  # [B, L, L]
    return table[distance.clamp(1 - far, far - 1) + far - 1][:, None]
