"""Rarer tokens hidden more often (frequency-informed masking; "Masked diffusion language models with frequency-informed
training", BabyLM 2025, arXiv 2509.05056): ranks within the row, scaled to at most 1, to a small power.

Shapes: B rows, L positions, V tokens.
"""

import numpy as np
import torch
from torch import Tensor

from ...data.rows import Rows


def rare(rows: Rows, many: np.ndarray, counts: Tensor, power: float, u: Tensor) -> np.ndarray:
    """Choose `many` [B] int64 tokens of each row without replacement, weighted by rarity; [B, L] int32, 1 where chosen.

    The weight of a token is the share of the row's tokens that are at least as frequent as it is, to the `power`:
    the rarest has 1 and none has 0. The budget is exact, so the mean over a row is the ratio whatever the weights.
    counts: [V] int64, how often each token was seen.  u: [B, L] float32 uniform in [0, 1).
    Exponential race: the first to finish at -ln(1 - u) / weight (Efraimidis and Spirakis 2006).
    """
    often = torch.where(rows.maskable, counts[rows.tokens], -1)  # [B, L]
    known = rows.maskable.sum(1, keepdim=True)
    rarer = torch.searchsorted(often.sort(1).values, often) - (rows.maskable.shape[1] - known)  # less frequent ones
    weight = ((known - rarer) / known.clamp(min=1)).double() ** power
    finish = torch.where(rows.maskable, -torch.log1p(-u.double()) / weight, torch.inf)
    place = finish.argsort(dim=1, stable=True).argsort(dim=1)
    return (place < torch.from_numpy(many)[:, None]).logical_and(rows.maskable).int().numpy()
