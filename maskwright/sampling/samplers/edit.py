"""Reveal the most confident tokens first, and replace a revealed one where the model is sure of another.

Bie et al. 2026, "LLaDA2.1: speeding up text diffusion via token editing" (arXiv 2602.08676), with a model that has seen
random tokens where others belong.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ...settings import settings
from ..sampler import Rewriter, lowest
from ..step import Step


@settings
class Edit(Rewriter):
    """Reveal the most confident first, and edit what was revealed (LLaDA2.1)."""

    threshold: Annotated[float, Field(ge=0, le=1)] = 0.9
    """The probability above which a token replaces the one that stands there; 1 never replaces any."""

    def write(self, step: Step) -> Tensor:
        guess = step.sample_tokens("confidence", step.active)
        hidden = lowest(guess.confidence, step.masked, step.budget)
        sure = step.unmasked & (guess.confidence > self.threshold)
        return torch.where((step.masked & ~hidden) | sure, guess.tokens, step.tokens)
