"""LLaDA: keep the most confident predictions of a step, mask the rest again.

Nie et al. 2025, "Large language diffusion models". As many are revealed in each step, whatever the schedule; what was
revealed is never masked again. With blocks it is their semi-autoregressive mode.
"""

from typing import Literal

import torch
from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, lowest
from ..step import Step


@settings
class Llada(Sampler):
    """Reveal as many in each step, the most confident first (LLaDA)."""

    order: Literal["confidence", "random"] = "confidence"
    """Which are revealed first: the most probable tokens, or random ones."""

    @property
    def exact(self) -> str:
        return "with a step for each token" if self.order == "random" else ""

    def hide(self, step: Step) -> Tensor:
        each, more = step.known // step.steps, step.known % step.steps
        revealed = each * (step.number + 1) + torch.clamp(more, max=step.number + 1)
        worth = step.uniform("order") if self.order == "random" else step.sample_tokens().confidence
        return lowest(worth, step.masked, step.known - revealed)
