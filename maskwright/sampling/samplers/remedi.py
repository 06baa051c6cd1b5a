"""RemeDi: each step keeps as many of the best tokens as the schedule says and masks everything else.

Huang et al. 2025, "Don't settle too early: self-reflective remasking for diffusion language models". What is best a
remasker says; theirs is a second stream of the same model.
"""

from typing import ClassVar

from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, lowest
from ..step import Step


@settings
class Remedi(Sampler):
    """Keep the best of all tokens, revealed now or earlier (RemeDi)."""

    revises: ClassVar[bool] = True

    @property
    def needs_remasker(self) -> bool:
        return True

    def hide(self, step: Step) -> Tensor:
        return lowest(-step.p_wrong, step.active, step.budget)
