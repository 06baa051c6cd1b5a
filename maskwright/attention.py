"""Who sees whom: a view per row, the documents packed into it, and what is shown to all of a document.

Shapes: B rows, L positions; in a mask the query comes first: mask[b, 0, q, k] is True where q may attend to k.
"""

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

Mask = Tensor | BlockMask | None
"""Who sees whom, as a model takes it: `mask`, or `block_mask` where the model says that it is `takes_block_mask`."""
BOTH, FORWARD, BACKWARD = 0, 1, 2
"""A view: everything, only what came before (causal), only what comes after (anticausal: the upper triangle)."""


def mask(document: Tensor, view: Tensor, shown: Tensor | None = None) -> Tensor | None:
    """The attention mask of rows, or None where everyone sees everyone.

    document: [B, L] which document of its row a position belongs to, -1 for padding. Documents never see each other;
        padding sees padding only, so no query is left without a key.
    view: [B] BOTH, FORWARD or BACKWARD.
    shown: [B, L] bool, positions that all of their document see, whatever the view; none for no such.
    Returns [B, 1, L, L] bool.
    """
    if is_full_attention(document, view):
        return None
    place = torch.arange(document.shape[1], device=document.device)
    ahead, behind = place[:, None] <= place, place[:, None] >= place  # [L, L]: k is not before q; not after q
    way = view[:, None, None]
    seen = (way == BOTH) | (way == FORWARD) & behind | (way == BACKWARD) & ahead  # [B, L, L]
    if shown is not None:
        seen = seen | shown[:, None, :]
    return (seen & (document[:, :, None] == document[:, None, :]))[:, None]


def is_full_attention(document: Tensor, view: Tensor) -> bool:
    """Whether every position of every row sees its whole row. Reads the tensors: ask where they are at hand."""
    return bool((document == document[:, :1]).all()) and bool((view == BOTH).all())


def block_mask(document: Tensor, view: Tensor, shown: Tensor | None = None) -> BlockMask:
    """The same as `mask`, as FlexAttention takes it: which squares of 128 positions are seen wholly, partly or not.

    Made on the device of `document`, which nothing waits for (Dong et al. 2024, Flex Attention, arXiv 2412.05496).
    """

    def seen(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        way = view[row]
        there = (way == BOTH) | (way == FORWARD) & (query >= key) | (way == BACKWARD) & (query <= key)
        if shown is not None:
            there = there | shown[row, key]
        return there & (document[row, query] == document[row, key])

    rows, length = document.shape
    return create_block_mask(seen, rows, None, length, length, device=document.device)


def positions(document: Tensor) -> Tensor:
    """[B, L] int64, each position's place within its own document, from 0."""
    place = torch.arange(document.shape[1], device=document.device).expand_as(document)
    fresh = torch.ones_like(document, dtype=torch.bool)
    fresh[:, 1:] = document[:, 1:] != document[:, :-1]
    return place - torch.where(fresh, place, 0).cummax(1).values
