"""Mask-enhanced autoregressive prediction: name every next token, while some of those before it are hidden.

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
    """Causal prediction of the original on a corrupted text."""

    masking: Annotated[Objective, objective_field("mlm")] = Field(
        {"random_prob": 0.0, "keep_prob": 0.0}, validate_default=True
    )
    """The objective that hides tokens; what it asks is not asked."""
    prediction: Annotated[Objective, objective_field("causal")] = Field({}, validate_default=True)
    """The objective that asks."""

    @property
    def capabilities(self) -> frozenset[str]:
        return self.prediction.capabilities

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        return replace(self.prediction.corrupt(rows, noise), inputs=self.masking.corrupt(rows, noise).inputs)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """That of the prediction, on the whole text."""
        return self.prediction.scoring(rows)
