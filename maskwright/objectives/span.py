"""Spans of geometric length at random positions (Joshi et al. 2020, "SpanBERT", §3.1; LTG-BERT).

Lengths are truncated (the distribution renormalised), not clipped and not taken modulo.
"""

import numpy as np
import torch
from torch import Tensor

from ..data.rows import Rows
from ..masking.select import select_random_spans
from ..noise import Noise
from ..settings import settings
from ..settings.bounds import Size
from ..settings.schedule import Ratio, Scheduled, value, whole
from .base.objective import Masked


@settings
class Span(Masked):
    """Masked language modelling, span by span."""

    geometric_p: Ratio = 0.3
    """The probability that a span ends after each of its tokens, before truncation, or a schedule of it."""
    max_span_length: Scheduled[Size] = 10
    """The longest span, in tokens, or a schedule of it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.balance:
            raise ValueError("balance=true: spans at random positions cannot be balanced; use objective ranked_span")

    def lengths_at(self, progress: float) -> np.ndarray:
        """[max_span_length] float64, the probability of each length from 1 on."""
        p = value(self.geometric_p, progress)
        weight = p * (1 - p) ** np.arange(whole(self.max_span_length, progress))
        return weight / weight.sum()

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        budget, _, keys = self.budget_and_order(rows, noise)
        cdf = self.lengths_at(rows.progress).cumsum().astype(np.float32)
        return torch.from_numpy(select_random_spans(rows.word.numpy(), budget, keys, cdf))
