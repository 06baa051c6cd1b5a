"""Token-Critic: fill in every mask, let a second model score each token, and mask the worst again.

Lezama et al. 2022, "Improved masked image generation with Token-Critic" (arXiv 2209.04439); the noise on its scores
fades with the masks.
"""

from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, lowest
from ..step import Step


@settings
class TokenCritic(Sampler):
    """Fill everything in, mask the tokens that the critic scores lowest (Token-Critic)."""

    revises: ClassVar[bool] = True

    noise: Annotated[float, Field(ge=0)] = 1.0
    """The width of the uniform noise on the scores at the start."""

    @property
    def needs_remasker(self) -> bool:
        return True

    def hide(self, step: Step) -> Tensor:
        worth = 1 - step.p_wrong + self.noise * step.after * (step.uniform("critic") - 0.5)
        return lowest(worth, step.active, step.budget)
