"""Attention masks: the direction of each row, packed documents, and prefixes that are visible to everyone.

Shapes: B rows, L positions. In a mask the query index comes first: mask[b, 0, q, k] is True where q may attend to k.
"""

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

Mask = Tensor | BlockMask | None
"""An attention mask as models take it: from `mask`, or from `block_mask` where the model has `takes_block_mask`."""
BOTH, FORWARD, BACKWARD = 0, 1, 2
"""A view: everything, only what came before (causal), only what comes after (anticausal: the upper triangle)."""


def mask(document: Tensor, view: Tensor, prefix: Tensor | None = None) -> Tensor | None:
    """The attention mask of a batch, [B, 1, L, L] bool, or None for full attention.

    document: [B, L], the document within its row that each position belongs to, -1 for padding. Attention never crosses
    documents; padding attends to padding, so that every query has at least one key and softmax stays finite. view: [B]
    BOTH, FORWARD or BACKWARD.
    prefix: [B, L] bool, positions visible to their whole document regardless of `view`; None for no prefix.
    """
    if is_full_attention(document, view):
        return None
    index = torch.arange(document.shape[1], device=document.device)
    upper, lower = index[:, None] <= index, index[:, None] >= index  # [L, L]: q <= k; q >= k
    direction = view[:, None, None]
    visible = (direction == BOTH) | (direction == FORWARD) & lower | (direction == BACKWARD) & upper  # [B, L, L]
    if prefix is not None:
        visible = visible | prefix[:, None, :]
    return (visible & (document[:, :, None] == document[:, None, :]))[:, None]


def is_full_attention(document: Tensor, view: Tensor) -> bool:
    """Whether every position attends to its whole row. Reads tensor values: call it before they go to a GPU."""
    return bool((document == document[:, :1]).all()) and bool((view == BOTH).all())


def block_mask(document: Tensor, view: Tensor, prefix: Tensor | None = None) -> BlockMask:
    """The same as `mask`, as a FlexAttention BlockMask: which 128 × 128 blocks are fully, partly or not visible.

    Built on the device of `document` without synchronising (Dong et al. 2024, FlexAttention, arXiv 2412.05496).
    """

    def visible(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        direction = view[row]
        allowed = (direction == BOTH) | (direction == FORWARD) & (query >= key)
        allowed = allowed | (direction == BACKWARD) & (query <= key)
        if prefix is not None:
            allowed = allowed | prefix[row, key]
        return allowed & (document[row, query] == document[row, key])

    rows, length = document.shape
    return create_block_mask(visible, rows, None, length, length, device=document.device)


def positions(document: Tensor) -> Tensor:
    """[B, L] int64, each position's index within its own document, from 0."""
    index = torch.arange(document.shape[1], device=document.device).expand_as(document)
    first = torch.ones_like(document, dtype=torch.bool)
    first[:, 1:] = document[:, 1:] != document[:, :-1]
    return index - torch.where(first, index, 0).cummax(1).values
