"""Select target positions, so that later layers compute only those.

What follows the last attention works position by position, so the last layer needs queries, feed-forward and head only
where there is a target: about 15 % of the positions in masked language modelling.
"""

import torch
from torch import Tensor

from ..attention import Mask


def pick(vectors: Tensor, asked: Tensor | None) -> Tensor:
    """vectors [B, L, D] at the positions `asked` → [N, D]; all of them for None.

    asked: [N] int64, indices into the flattened [B·L]; or [B, n] int64, n positions of each row, N = B·n.
    """
    if asked is None:
        return vectors
    return vectors.flatten(0, 1)[asked] if asked.ndim == 1 else in_rows(vectors, asked).flatten(0, 1)


def in_rows(vectors: Tensor, asked: Tensor) -> Tensor:
    """vectors [B or 1, L, …] at `asked` [B, n] int64, n positions of each row → [B, n, …]."""
    row = torch.arange(len(asked), device=asked.device)[:, None] if len(vectors) > 1 else 0
    return vectors[row, asked]


def of_asked(mask: Mask, asked: Tensor) -> Mask:
    """The rows of a mask [B, 1, L, L] for the queries at `asked` [B, n] → [B, 1, n, L]."""
    assert mask is None or isinstance(mask, Tensor)
    return None if mask is None else in_rows(mask[:, 0], asked)[:, None]
