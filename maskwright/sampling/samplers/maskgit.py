"""MaskGIT: keep the most confident, with noise on the confidence that decreases every step.

Chang et al. 2022, "MaskGIT: Masked generative image transformer"; take the cosine shape with it.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, gumbel, lowest
from ..step import Step


@settings
class Maskgit(Sampler):
    """Reveal the most confident, with decreasing noise (MaskGIT)."""

    noise: Annotated[float, Field(ge=0)] = 4.5
    """Scale of the Gumbel noise on ln p at the first step."""

    def hide(self, step: Step) -> Tensor:
        worth = step.sample_tokens().confidence.double().log() + self.noise * step.after * gumbel(step.uniform("order"))
        return lowest(worth, step.masked, step.budget)
