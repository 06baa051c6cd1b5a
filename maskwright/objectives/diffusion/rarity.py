"""Masking rare tokens more ("Masked diffusion language models with frequency-informed training", BabyLM 2025, arXiv
2509.05056): ranks within the row, scaled to at most 1, to a small power.

Shapes: B rows, L positions, V tokens.
"""

import numpy as np
import torch
from torch import Tensor

from ...data.rows import Rows
from ...masking.weighted import systematic_tokens


def select_by_rarity(rows: Rows, budget: np.ndarray, counts: Tensor, power: float, keys: np.ndarray) -> np.ndarray:
    """Choose `budget` [B] int64 tokens of each row by rarity; [B, L] int32, 1 or more where chosen.

    The weight of a token is the fraction of the row's tokens that are at least as frequent, to the `power`: the rarest
    has 1 and none has 0. The budget is exact, so the mean over a row is the mask ratio whatever the weights.
    counts: [V] int64, how often each token was seen.  keys: [B] uint64.
    """
    frequency = torch.where(rows.maskable, counts[rows.tokens], -1)  # [B, L]
    n = rows.maskable.sum(1, keepdim=True)
    rarer = torch.searchsorted(frequency.sort(1).values, frequency) - (rows.maskable.shape[1] - n)  # less frequent ones
    weight = ((n - rarer) / n.clamp(min=1)) ** power
    return systematic_tokens(weight.float().numpy(), rows.word.numpy(), budget, keys)
