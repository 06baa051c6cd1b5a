"""Attention masks: the direction of each row, packed documents, and prefixes that are visible to everyone.

Shapes: B rows, L positions, H heads. In a mask the query index comes first: mask[b, 0, q, k] is True where q
may attend to k.
"""

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask


class KeyValueCache:
    """Keys and values of the positions that rows begin with, by layer, so that these are computed once.

    Models with `takes_cache` take it in place of a mask, with the n positions that follow the `length` kept ones.
    """

    def __init__(self, room: int, rows: Tensor):
        """room: the most positions of a row.  rows: [B] int64, a name for each row."""
        self.room, self.rows, self.length = room, rows, 0
        self.mask: Tensor | None = None
        """[B or 1, 1, n, length + n] bool, what the n positions of the next call attend to."""
        self._stores: dict[int, list[Tensor]] = {}

    def extend(self, layer: object, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a layer, [B, H, n, width], behind the kept ones: [B, H, length + n, width].

        They stay kept once `length` counts them, and are overwritten otherwise.
        """
        end = self.length + keys.shape[2]
        if id(layer) not in self._stores:
            self._stores[id(layer)] = [new.new_empty(*new.shape[:2], self.room, new.shape[3]) for new in (keys, values)]
        stores = self._stores[id(layer)]
        for store, new in zip(stores, (keys, values), strict=True):
            store[:, :, self.length : end] = new
        return stores[0][:, :, :end], stores[1][:, :, :end]

    def of(self, rows: Tensor) -> "KeyValueCache":
        """What it holds of `rows`, [b] int64, some of its own in their order; itself for all of them."""
        if torch.equal(rows, self.rows):
            return self
        some = KeyValueCache(self.room, rows)
        places, some.length = torch.searchsorted(self.rows, rows), self.length
        some._stores = {layer: [store[places] for store in stores] for layer, stores in self._stores.items()}
        return some


Mask = Tensor | BlockMask | KeyValueCache | None
"""What limits attention, as models take it: from `mask`; from `block_mask` where the model has `takes_block_mask`; or a
cache, with the mask of what follows it, where it has `takes_cache`."""
BOTH, FORWARD, BACKWARD = 0, 1, 2
"""A view: everything, only what came before (causal), only what comes after (anticausal: the upper triangle)."""


def mask(document: Tensor, view: Tensor, prefix: Tensor | None = None, block: Tensor | None = None) -> Tensor | None:
    """The attention mask of a batch, [B, 1, L, L] bool, or None for full attention.

    document: [B, L], the document within its row that each position belongs to, -1 for padding. Attention never crosses
    documents; padding attends to padding, so that every query has at least one key and softmax stays finite. view: [B]
    BOTH, FORWARD or BACKWARD.
    prefix: [B, L] bool, positions visible to their whole document regardless of `view`; None for no prefix.
    block: [B, L] int64, numbers of which each sees its own and all smaller odd ones (Arriola et al. 2025, "Block
    diffusion", section 3.2: odd for clean blocks, even for noisy ones); None for no blocks.
    """
    if is_full_attention(document, view, block):
        return None
    index = torch.arange(document.shape[1], device=document.device)
    upper, lower = index[:, None] <= index, index[:, None] >= index  # [L, L]: q <= k; q >= k
    direction = view[:, None, None]
    visible = (direction == BOTH) | (direction == FORWARD) & lower | (direction == BACKWARD) & upper  # [B, L, L]
    if prefix is not None:
        visible = visible | prefix[:, None, :]
    if block is not None:
        query, key = block[:, :, None], block[:, None, :]
        visible = visible & ((key == query) | (key % 2 == 1) & (key < query))
    return (visible & (document[:, :, None] == document[:, None, :]))[:, None]


def is_full_attention(document: Tensor, view: Tensor, block: Tensor | None = None) -> bool:
    """Whether every position attends to its whole row. Reads tensor values: call it before they go to a GPU."""
    one = all(bool((part == part[:, :1]).all()) for part in (document, block) if part is not None)
    return one and bool((view == BOTH).all())


def block_mask(document: Tensor, view: Tensor, prefix: Tensor | None = None, block: Tensor | None = None) -> BlockMask:
    """The same as `mask`, as a FlexAttention BlockMask: which 128 × 128 blocks are fully, partly or not visible.

    Built on the device of `document` without synchronising (Dong et al. 2024, FlexAttention, arXiv 2412.05496).
    """

    def visible(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        direction = view[row]
        allowed = (direction == BOTH) | (direction == FORWARD) & (query >= key)
        allowed = allowed | (direction == BACKWARD) & (query <= key)
        if prefix is not None:
            allowed = allowed | prefix[row, key]
        if block is not None:
            here, there = block[row, query], block[row, key]
            allowed = allowed & ((there == here) | (there % 2 == 1) & (there < here))
        return allowed & (document[row, query] == document[row, key])

    rows, length = document.shape
    return create_block_mask(visible, rows, None, length, length, device=document.device)


def positions(document: Tensor) -> Tensor:
    """[B, L] int64, each position's index within its own document, from 0."""
    index = torch.arange(document.shape[1], device=document.device).expand_as(document)
    first = torch.ones_like(document, dtype=torch.bool)
    first[:, 1:] = document[:, 1:] != document[:, :-1]
    return index - torch.where(first, index, 0).cummax(1).values
