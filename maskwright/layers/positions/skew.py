"""Disentangled attention with many buckets: scores by distance are turned into scores by key by skewing their rows.

He et al. 2021, DeBERTa (arXiv 2006.03654, section 3.1). Its second version has 511 buckets, too many for a
product with a 0/1 matrix (`disentangled`). But a row of L has only 2L − 1 distances: their vectors are looked up once,
[2L, width]. The scores [L, 2L], read as rows one element shorter (Huang et al. 2019, Music Transformer, arXiv
1809.04281, section 3.4.1), are those of the pairs, [L, L], without a gather and its scattered gradient.
"""

import torch
from torch import Tensor

from ..disentangled import softmax_mean
from .buckets import log_buckets


def distances(length: int, near: int, far: int, count: int, device: torch.device) -> Tensor:
    """The signed buckets, as in `log_buckets`, of the distances `length` − 1 down to −`length`: [2·length] int64.

    No pair has the last distance; it makes the rows 2L long, which skewing needs.
    """
    return log_buckets(torch.arange(length - 1, -length - 1, -1, device=device), near, far, count)


def attend_skewed(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    position_keys: Tensor,
    position_queries: Tensor,
    mask: Tensor | None,
    dropout: float,
) -> Tensor:
    """Mean of `values`, weighted by softmax((q·k + q·position_keys[d] + k·position_queries[d]) / sqrt(3·width)).

    d is the distance of the pair, query minus key.
    queries, keys, values: [B, H, L, width].  position_keys: [H, 2L, width], those of the distances L − 1 down to −L.
    position_queries: [H, 2L, width], those of the distances 1 − L up to L.
    mask: [B, 1, L, L] bool, True = may attend, or None.  dropout: probability of dropping a weight.
    Returns [B, L, H·width]; the softmax is float32.
    """
    scale = (3 * queries.shape[-1]) ** -0.5
    queries, keys_scaled = queries * scale, keys * scale
    scores = (queries @ keys.mT).float()  # [B, H, L, L]
    scores = scores + skewed(queries @ position_keys.mT) + skewed(keys_scaled @ position_queries.mT).mT
    return softmax_mean(scores, values, mask, dropout)


def skewed(scores: Tensor) -> Tensor:
    """[…, L, 2L] → […, L, L]: row i begins at column L − 1 − i, so column j is taken from j − i + L − 1."""
    length = scores.shape[-2]
    shifted = scores.flatten(-2)[..., length - 1 : -1]  # [..., L · (2L − 1)]
    return shifted.unflatten(-1, (length, 2 * length - 1))[..., :length]
