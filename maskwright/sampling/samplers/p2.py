"""P2, path planning: every step keeps the tokens with the highest scores, whether they were masked or not.

Peng et al. 2025, "Path planning for masked diffusion model sampling" (arXiv 2502.03540): a mask is worth the
log-probability of the token drawn for it, a settled token eta times that of itself under the planner.
"""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, lowest
from ..step import Step

LEAST = 1e-30


@settings
class P2(Sampler):
    """Keep the highest scores, masked before or not (P2)."""

    revises: ClassVar[bool] = True

    planner: Literal["self", "remasker"] = "self"
    """What scores settled tokens: the model itself, or a remasker by 1 − P(wrong)."""
    eta: Annotated[float, Field(ge=0)] = 1.0
    """Weight of that score; with 0 they are never masked again."""

    @property
    def needs_remasker(self) -> bool:
        return self.planner == "remasker"

    def hide(self, step: Step) -> Tensor:
        if self.needs_remasker:
            sure, kept = step.sample_tokens().confidence, 1 - step.p_wrong
        else:
            said = step.sample_tokens("kept", step.active)
            sure, kept = said.confidence, said.score
        worth = torch.where(step.masked, sure.clamp(min=LEAST).log(), self.eta * kept.clamp(min=LEAST).log())
        return lowest(worth, step.active, step.budget)
