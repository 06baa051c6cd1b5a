"""Spans of geometric length at random positions (Joshi et al. 2020, "SpanBERT", §3.1; LTG-BERT).

Lengths are truncated (the distribution renormalised), not clipped and not taken modulo.
"""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ..data.rows import Rows
from ..masking.select import select_random_spans
from ..noise import Noise
from ..settings import settings
from ..settings.schedule import Share
from .base.objective import Masked


@settings
class Span(Masked):
    """Masked language modelling, span by span."""

    geometric_p: Share = 0.3
    """The probability that a span ends after each of its tokens, before truncation."""
    max_span_length: Annotated[int, Field(ge=1)] = 10
    """The longest span, in tokens."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.balance:
            raise ValueError("balance=true: spans at random positions cannot be balanced; use objective ranked_span")

    @property
    def lengths(self) -> np.ndarray:
        """[max_span_length] float64, the probability of each length from 1 on."""
        weight = self.geometric_p * (1 - self.geometric_p) ** np.arange(self.max_span_length)
        return weight / weight.sum()

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        budget, _, keys = self.budget_and_order(rows, noise)
        cdf = self.lengths.cumsum().astype(np.float32)
        return torch.from_numpy(select_random_spans(rows.word.numpy(), budget, keys, cdf))
