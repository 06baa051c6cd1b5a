"""MaskGIT: the most confident stay, and chance has its say in confidence, less with every step.

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
    """Reveal the most confident, with noise that goes (MaskGIT)."""

    noise: Annotated[float, Field(ge=0)] = 4.5
    """How much Gumbel noise ln p has at the outset."""

    def hide(self, step: Step) -> Tensor:
        worth = step.sample_tokens().confidence.double().log() + self.noise * step.after * gumbel(step.uniform("order"))
        return lowest(worth, step.masked, step.budget)
