"""Mixed noise: a token is replaced by [MASK] or by a random one (von Rütte et al. 2025, "Generalized interpolating
discrete diffusion", GIDD, arXiv 2503.04482).

At noise β a token is left alone with probability α = 1 − β, is [MASK] with β (1 − s) and each of the V ordinary tokens
with β s / V besides, where the share s of random tokens is a line in β. So all shares between the ends are reached by a
process whose rates are never negative: it puts [MASK] at rate (1 − s) / α − β s′ and each ordinary token at
(s / α + β s′) / V. −ln p of a row is at most the integral over β of the expected Σ w (KL + D), w the rate of what
stands there over its probability (section 3, with β in place of t); `loss.noised_loss` gives (KL + D) / α, so that a
weight is w α, which is 1 on average.

Shapes: B rows, L positions.
"""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ...attention import BOTH
from ...data.rows import Rows
from ...masking.select import IGNORE
from ...noise import Noise
from ...settings import settings
from ...settings.schedule import Probability
from ..base.problem import Problem

MARGIN = 1e-3
"""Noise is at least this and at most 1 less this: at the ends weights are infinite, and what they multiply is 0."""
Level = TypeVar("Level", float, Tensor)


@settings
class Line:
    """The share of random tokens among those that are replaced; the others are [MASK]."""

    low: Probability
    """Where little of a text is noised."""
    high: Probability
    """Where all of it is; in between the share is on a straight line."""

    @property
    def slope(self) -> float:
        """How much the share grows from no noise to full noise."""
        return self.high - self.low

    def at(self, noise: Level) -> Level:
        """The share where a text is noised by `noise`, in [0, 1], a number or a tensor of any shape."""
        return self.low + self.slope * noise


ALL_RANDOM, NONE_RANDOM = Line(low=1.0, high=1.0), Line(low=0.0, high=0.0)


def noised_problem(rows: Rows, line: Line, level: np.ndarray, noise: Noise, stream: str = "") -> Problem:
    """The rows noised by `level`, [B] float64 in [0, 1], with the weights of the bound at every position.

    stream: an addition to the names of the draws, for several problems of the same rows.
    """
    beta = torch.from_numpy(level).clamp(MARGIN, 1 - MARGIN)[:, None]  # [B, 1] float64
    alpha, ordinary = 1 - beta, torch.from_numpy(rows.vocabulary.ordinary)
    share = line.at(beta)
    masked, other = beta * (1 - share), beta * share / len(ordinary)  # [B, 1]
    rates = (1 - share) / alpha - beta * line.slope, (share / alpha + beta * line.slope) / len(ordinary)
    fate = noise.uniform(f"{stream}mixed fate", rows.tokens.shape[1]).double()  # [B, L]
    drawn = ordinary[noise.below(len(ordinary), f"{stream}mixed token", rows.tokens.shape[1])]
    inputs = drawn.where(fate >= alpha + masked, rows.vocabulary.mask).where(fate >= alpha, rows.tokens)
    inputs = inputs.where(rows.maskable, rows.tokens)
    is_mask = inputs == rows.vocabulary.mask
    p = torch.where(is_mask, masked, other + alpha * (inputs == rows.tokens))
    weights = torch.where(is_mask, *rates) / p * alpha
    weights = torch.where(rows.maskable, weights, 0).float().clamp(min=0)
    targets = torch.where(weights > 0, rows.tokens, IGNORE)
    law = torch.cat([alpha, other], 1).float()
    return Problem(inputs, targets, weights, torch.full_like(rows.ids, BOTH), noise=law)
