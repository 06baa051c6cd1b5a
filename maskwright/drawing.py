"""Tokens drawn from scores, by a number that has an address: the same number always draws the same token.

Shapes: N places, V tokens.
"""

import torch
from torch import Tensor


def chances(scores: Tensor, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """[N, V] float64, the probabilities that tokens are drawn with; scores: [N, V], any float dtype, -inf for never.

    temperature: 0 leaves the best alone.  top_k: only so many best; 0 for all.
    top_p: only the fewest best whose probability reaches it (Holtzman et al. 2020, section 3.1), the one that crosses
    it included. Cuts come after the temperature.
    """
    if temperature == 0:
        return torch.zeros(scores.shape, dtype=torch.float64).scatter_(1, scores.argmax(1, keepdim=True), 1.0)
    found = (scores.double() / temperature).softmax(1)
    if top_k:
        best = found.topk(min(top_k, found.shape[1]))
        found = torch.zeros_like(found).scatter_(1, best.indices, best.values)
    if top_p < 1:
        ordered, places = found.sort(dim=1, descending=True, stable=True)
        before = ordered.cumsum(1) - ordered
        found = torch.zeros_like(found).scatter_(1, places, ordered.where(before < top_p * ordered.sum(1)[:, None], 0))
    return found / found.sum(1, keepdim=True)


def drawn(chances: Tensor, luck: Tensor) -> Tensor:
    """[N] int64, the token at which the cumulative probability passes `luck`, [N] float64 in [0, 1)."""
    ladder = chances.cumsum(1)
    whole = ladder[:, -1]
    reached = torch.minimum(luck.double() * whole, torch.nextafter(whole, torch.zeros_like(whole)))
    return torch.searchsorted(ladder, reached[:, None], right=True)[:, 0]
