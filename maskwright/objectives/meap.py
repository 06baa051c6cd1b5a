"""Mask-enhanced autoregressive prediction: predict every next token while some of the tokens before it are masked.

Zhuang et al. 2025, "Mask-Enhanced Autoregressive Prediction" (arXiv 2502.07490), section 3.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from ..data.rows import Rows
from ..noise import Noise
from ..settings import settings
from .base.objective import Objective, objective_field
from .base.problem import Problem


@settings
class Meap(Objective):
    """Causal prediction of the original tokens from a masked text (MEAP)."""

    masking: Annotated[Objective, objective_field("mlm")] = Field(
        {"random_prob": 0.0, "keep_prob": 0.0}, validate_default=True
    )
    """The objective that masks tokens; its own targets are dropped."""
    prediction: Annotated[Objective, objective_field("causal")] = Field({}, validate_default=True)
    """The objective whose targets are kept."""

    @property
    def capabilities(self) -> frozenset[str]:
        return self.prediction.capabilities

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        return replace(self.prediction.corrupt(rows, noise), inputs=self.masking.corrupt(rows, noise).inputs)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """That of the prediction, on the uncorrupted text."""
        return self.prediction.scoring(rows)
