"""Disentangled attention: a score is the sum of content·content, content·position and position·content.

He et al. 2021, DeBERTa (arXiv 2006.03654, section 3.1). There are few distance buckets K, so queries are
multiplied with bucket vectors, [L, K], never with a vector per pair, [L, L, D]. A pair's bucket is the same for all
rows and heads, so one product with a 0/1 matrix distributes the scores to pairs; its transpose sums the gradients.
"""

import torch
from torch import Tensor

from .dropout import drop


def attend_disentangled(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    pairs: Tensor,
    position_keys: Tensor | None,
    position_queries: Tensor | None,
    mask: Tensor | None,
    dropout: float,
) -> Tensor:
    """Mean of `values`, weighted by softmax((q·k + q·position_keys[i] + k·position_queries[i]) / sqrt(terms·width)).

    queries, keys, values: [B, H, L, width].  pairs: [L, L, K] bool, True for the bucket i of (query, key).
    position_keys, position_queries: [H, K, width], or None to leave the term out (DeBERTa's pos_att_type).
    mask: [B, 1, L, L] bool, True = may attend, or None.  dropout: probability of dropping a weight.
    `terms` counts the summands present. Returns [B, L, H·width]; the softmax is float32. A position term
    costs K / width of the product of queries and keys.
    """
    terms = 1 + sum(term is not None for term in (position_keys, position_queries))
    scale = (terms * queries.shape[-1]) ** -0.5
    queries, keys_scaled = queries * scale, keys * scale
    scores = (queries @ keys.mT).float()  # [B, H, L, L], float32: several terms are summed
    if position_keys is not None:
        scores = scores + _scores_of_pairs(queries @ position_keys.mT, pairs)
    if position_queries is not None:
        scores = scores + _scores_of_pairs(keys_scaled @ position_queries.mT, pairs.transpose(0, 1)).mT
    return softmax_mean(scores, values, mask, dropout)


def split_heads(vectors: Tensor, heads: int) -> Tensor:
    """[…, L, D] → […, H, L, D / H]."""
    return vectors.unflatten(-1, (heads, -1)).transpose(-3, -2)


def softmax_mean(scores: Tensor, values: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """Scores [B, H, L, L] float32 and values [B, H, L, width] → the values averaged by softmax, [B, L, H·width]."""
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = drop(scores.softmax(dim=-1).to(values.dtype), dropout)
    return (weights @ values).transpose(1, 2).flatten(2)


def _scores_of_pairs(scores: Tensor, pairs: Tensor) -> Tensor:
    """Scores by bucket [B, H, L, K] and one-hot pairs [L, M, K] → scores by pair, [B, H, L, M]."""
    by_query = scores.flatten(0, 1).transpose(0, 1)  # [L, B·H, K]
    return (by_query @ pairs.mT.to(scores.dtype)).transpose(0, 1).unflatten(0, scores.shape[:2])
