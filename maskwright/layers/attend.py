"""Softmax attention over what a mask allows (Vaswani et al. 2017, section 3.2.1)."""

import torch.nn.functional as F
from torch import Tensor


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """Mean of `values`, weighted by softmax(queries · keys / sqrt(width)).

    queries, keys, values: [B, H, L, width].  mask: [B, 1, L, L] bool, True = may attend, or None for all; every query
    must see at least one key.  dropout: probability of dropping a weight (0 outside training).
    Returns [B, L, H·width].
    """
    mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, dropout_p=dropout)
    return mixed.transpose(1, 2).flatten(2)
