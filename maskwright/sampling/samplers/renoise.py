"""Fill in every mask, then mask random positions again: the baseline for a learned remasker."""

from typing import ClassVar

from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, lowest
from ..step import Step


@settings
class Renoise(Sampler):
    """Fill everything in, mask at random."""

    revises: ClassVar[bool] = True

    def hide(self, step: Step) -> Tensor:
        return lowest(step.uniform("renoise"), step.active, step.budget)
