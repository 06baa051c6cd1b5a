"""Disentangled attention over many buckets: every query meets every distance, and a shift of rows pairs them with keys.

He et al. 2021, DeBERTa (arXiv 2006.03654, section 3.1). Its second version tells 511 buckets apart, too many for a
product with zeros and ones (`disentangled`). A row of L has only 2L − 1 distances though: their vectors are looked up
once, [2L, width], and scores [L, 2L] read with rows one shorter (Huang et al. 2019, Music Transformer, arXiv
1809.04281, section 3.4.1) are those of the pairs, [L, L], without a gather and without its scattered gradient.
"""

import torch
from torch import Tensor

from .buckets import log_buckets
from .disentangled import mixed


def distances(length: int, near: int, far: int, count: int, device: torch.device) -> Tensor:
    """The signed buckets, as in `log_buckets`, of the distances `length` − 1 down to −`length`: [2·length] int64.

    The last distance is that of no pair; it makes rows even.
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
    return mixed(scores, values, mask, dropout)


def skewed(scores: Tensor) -> Tensor:
    """[…, L, 2L] → […, L, L]: row i begins at column L − 1 − i, so column j is what stood at j − i + L − 1."""
    length = scores.shape[-2]
    shifted = scores.flatten(-2)[..., length - 1 : -1]  # [..., L · (2L − 1)]
    return shifted.unflatten(-1, (length, 2 * length - 1))[..., :length]
