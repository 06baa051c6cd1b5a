"""Masking rare tokens more ("Masked diffusion language models with frequency-informed training", BabyLM 2025, arXiv
2509.05056): ranks within the row, scaled to at most 1, to a small power.

Shapes: B rows, L positions, V tokens.
"""

import numpy as np
import torch
from torch import Tensor

from ...data.rows import Rows


def select_by_rarity(rows: Rows, budget: np.ndarray, counts: Tensor, power: float, u: Tensor) -> np.ndarray:
    """Choose `budget` [B] int64 tokens of each row without replacement, by rarity; [B, L] int32, 1 where chosen.

    The weight of a token is the fraction of the row's tokens that are at least as frequent, to the `power`: the rarest
    has 1 and none has 0. The budget is exact, so the mean over a row is the mask ratio whatever the weights.
    counts: [V] int64, how often each token was seen.  u: [B, L] float32 uniform in [0, 1).
    Exponential race: the first to arrive at -ln(1 - u) / weight (Efraimidis and Spirakis 2006).
    """
    frequency = torch.where(rows.maskable, counts[rows.tokens], -1)  # [B, L]
    n = rows.maskable.sum(1, keepdim=True)
    rarer = torch.searchsorted(frequency.sort(1).values, frequency) - (rows.maskable.shape[1] - n)  # less frequent ones
    weight = ((n - rarer) / n.clamp(min=1)).double() ** power
    arrival = torch.where(rows.maskable, -torch.log1p(-u.double()) / weight, torch.inf)
    rank = arrival.argsort(dim=1, stable=True).argsort(dim=1)
    return (rank < torch.from_numpy(budget)[:, None]).logical_and(rows.maskable).int().numpy()
