"""Go on with the places that are asked, and leave the rest of a batch where it is."""

import torch
from torch import Tensor

from ..attention import Mask


def pick(vectors: Tensor, asked: Tensor | None) -> Tensor:
    """vectors [B, L, D] at `asked`, → [N, D]; all of them when it is None.

    asked: [N] int64, places in the flattened [B·L]; or [B, n] int64, n places of each row, N = B·n.
    """
    if asked is None:
        return vectors
    return vectors.flatten(0, 1)[asked] if asked.ndim == 1 else in_rows(vectors, asked).flatten(0, 1)


def in_rows(vectors: Tensor, asked: Tensor) -> Tensor:
    """vectors [B or 1, L, …] at `asked` [B, n] int64, n places of each row, → [B, n, …]."""
    row = torch.arange(len(asked), device=asked.device)[:, None] if len(vectors) > 1 else 0
    return vectors[row, asked]


def of_asked(mask: Mask, asked: Tensor) -> Mask:
    """The part of a mask [B, 1, L, L] that the queries at `asked` [B, n] need, [B, 1, n, L]."""
    assert mask is None or isinstance(mask, Tensor)
    return None if mask is None else in_rows(mask[:, 0], asked)[:, None]
