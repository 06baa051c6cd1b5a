"""What a sampler is: the rule that says, step by step, which positions are masked next.

A published sampler is a score for each position, a rule with a budget, and which positions it may touch; the file of
each in `samplers/` says just that. Everything else, as drawing tokens and asking models, is the same for all.

Shapes: B rows, L positions.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..attention import BOTH
from ..objectives.base.capabilities import SHIFTS
from ..settings import settings
from .step import Step


@settings
class Sampler(ABC):
    """Decides which positions are masked after a step."""

    revises: ClassVar[bool] = False
    """Whether it masks again what was settled, so that it can polish a given text."""
    capabilities: ClassVar[Mapping[str, int]] = SHIFTS
    """The capabilities of which the model's objective must have one, each with how many positions before a token it is
    predicted."""
    view: ClassVar[int] = BOTH
    """What the model sees: the whole row with its masks, BOTH, or what is before a token alone, FORWARD; then it is
    asked once for each token, and may end a text with [SEP]."""
    stochastic_remask: ClassVar[bool] = False
    """Whether it may mask again a row in which nothing is masked, so that such a row is not finished."""

    @property
    def needs_remasker(self) -> bool:
        """Whether it needs a model that finds wrong tokens."""
        return False

    @property
    def exact(self) -> str:
        """When its texts are draws from the distribution of the model, if ever."""
        return ""

    @abstractmethod
    def hide(self, step: Step) -> Tensor:
        """[B, L] bool, the active positions that are masked after the step; the other masks are revealed."""


def lowest(worth: Tensor, among: Tensor, many: Tensor) -> Tensor:
    """[B, L] bool, of the positions `among`, [B, L] bool, in each row the `many`, [B] int64, that are worth least."""
    order = torch.where(among, worth.double(), torch.inf).argsort(dim=1, stable=True)
    place = torch.empty_like(order).scatter_(1, order, torch.arange(order.shape[1]).expand_as(order))
    return among & (place < many[:, None])


def gumbel(u: Tensor) -> Tensor:
    """Standard Gumbel noise from uniform numbers in [0, 1), float64."""
    return -torch.log(-torch.log(u.double().clamp(2.0**-30, 1 - 2.0**-30)))
