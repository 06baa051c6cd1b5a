"""Softmax attention over what a mask allows (Vaswani et al. 2017, section 3.2.1)."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from ..attention import Mask

NARROWEST = 16
"""Width of the heads from which on FlexAttention has a kernel."""


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Mask, dropout: float) -> Tensor:
    """Mean of `values`, weighted by softmax(queries · keys / sqrt(width)).

    queries, keys, values: [B, H, L, width].  mask: [B, 1, L, L] bool, True = may attend, or the same as blocks, or None
    for all; every query must see at least one key.  dropout: probability of dropping a weight (0 outside training, and
    0 where the mask is blocks).  Returns [B, L, H·width].

    A processor multiplies bfloat16 matrices far sooner than its fused kernel mixes them, so there the two products
    are written out; the softmax between them is float32. Blocks are for code that is compiled: there they become one
    kernel, which leaves out what nobody sees; elsewhere all scores are made, as with a mask.
    """
    if isinstance(mask, BlockMask):
        assert not dropout
        return flex_attention(queries, keys, values, block_mask=mask).transpose(1, 2).flatten(2)
    by_hand = queries.device.type == "cpu" and queries.dtype == torch.bfloat16
    kernel = _two_products if by_hand else F.scaled_dot_product_attention
    return kernel(queries, keys, values, mask, dropout).transpose(1, 2).flatten(2)


def _two_products(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.mT  # [B, H, L, L]
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(values.dtype)
    return F.dropout(weights, dropout) @ values
