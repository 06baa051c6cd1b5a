"""PRISM: masks are revealed by the schedule, and in each step the settled tokens of lowest quality are masked again.

Kim et al. 2025, "Fine-tuning masked diffusion for provable self-correction" (arXiv 2510.01384). Quality is here 1 −
P(wrong) of a remasker, which reads the text with its masks where it was trained on such (`objective.masked_ratio`), and
with every mask filled in otherwise; theirs is a head on the model.
"""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, lowest
from ..step import Step


@settings
class Prism(Sampler):
    """Reveal in random order, mask the worst again (PRISM)."""

    revises: ClassVar[bool] = True

    remask_ratio: Annotated[float, Field(gt=0, le=1)] = 0.05
    """The share of the settled tokens that are masked again, within the schedule."""

    @property
    def needs_remasker(self) -> bool:
        return True

    def hide(self, step: Step) -> Tensor:
        again = torch.minimum((self.remask_ratio * step.unmasked.sum(1) + 0.5).long(), step.budget)
        worst = lowest(-step.settled_p_wrong, step.unmasked, again)
        return worst | lowest(step.uniform("order"), step.masked, step.budget - worst.sum(1))
