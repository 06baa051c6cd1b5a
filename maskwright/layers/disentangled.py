"""Disentangled attention: a score is the sum of content·content, content·position and position·content.

He et al. 2021, DeBERTa (arXiv 2006.03654, section 3.1). Distances fall into few buckets, so each query meets every
bucket's vector once, [L, K], and its scores are gathered from there: nothing is ever expanded to [L, L, D].
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def attend_disentangled(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    index: Tensor,
    position_keys: Tensor | None,
    position_queries: Tensor | None,
    mask: Tensor | None,
    dropout: float,
) -> Tensor:
    """Mean of `values`, weighted by softmax((q·k + q·position_keys[i] + k·position_queries[i]) / sqrt(terms·width)).

    queries, keys, values: [B, H, L, width].  index: [B or 1, 1, L, L] int64, the bucket i of (query, key).
    position_keys, position_queries: [H, K, width], or None to leave the term out (DeBERTa's pos_att_type).
    mask: [B, 1, L, L] bool, True = may attend, or None.  dropout: probability of dropping a weight.
    `terms` counts the summands that are used. Returns [B, L, H·width]; the softmax is float32.
    """
    terms = 1 + sum(term is not None for term in (position_keys, position_queries))
    scale = (terms * queries.shape[-1]) ** -0.5
    scores = (queries * scale) @ keys.transpose(-1, -2)  # [B, H, L, L]
    scores = scores.float()
    if position_keys is not None:
        scores = scores + _per_pair(queries * scale, position_keys, index)
    if position_queries is not None:
        scores = scores + _per_pair(keys * scale, position_queries, index.mT).mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = F.dropout(scores.softmax(dim=-1).to(values.dtype), dropout)
    return (weights @ values).transpose(1, 2).flatten(2)


def _per_pair(heads: Tensor, table: Tensor, index: Tensor) -> Tensor:
    """heads [B, H, L, width], table [H, K, width], index [B or 1, 1, L, L] → heads · table[index], [B, H, L, L]."""
    per_bucket = heads @ table.transpose(-1, -2)  # [B, H, L, K]
    return per_bucket.gather(-1, index.expand(*per_bucket.shape[:3], -1))
