"""Select target positions, so that later layers compute only those.

What follows the last attention works position by position, so the last layer needs queries, feed-forward and head only
where there is a target: about 15 % of the positions in masked language modelling.
"""

import torch
from torch import Tensor

from ..attention import Mask


def pick(vectors: Tensor, target_positions: Tensor | None) -> Tensor:
    """vectors [B, L, D] at the positions `target_positions` → [N, D]; all of them for None.

    target_positions: [N] int64, indices into the flattened [B·L]; or [B, n] int64, n positions of each row, N = B·n.
    """
    if target_positions is None:
        return vectors
    return (
        vectors.flatten(0, 1)[target_positions]
        if target_positions.ndim == 1
        else in_rows(vectors, target_positions).flatten(0, 1)
    )


def in_rows(vectors: Tensor, target_positions: Tensor) -> Tensor:
    """vectors [B or 1, L, …] at `target_positions` [B, n] int64, n positions of each row → [B, n, …]."""
    row = torch.arange(len(target_positions), device=target_positions.device)[:, None] if len(vectors) > 1 else 0
    return vectors[row, target_positions]


def mask_of_targets(mask: Mask, target_positions: Tensor) -> Tensor | None:
    """The rows of a mask [B, 1, L, L] for the queries at `target_positions` [B, n] → [B, 1, n, L]."""
    assert mask is None or isinstance(mask, Tensor)
    return None if mask is None else in_rows(mask[:, 0], target_positions)[:, None]
