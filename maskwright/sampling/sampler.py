"""A sampler: the rule that decides, after each step, which positions are masked.

A published sampler is a score for each position, a rule with a budget, and which positions it may touch; the file of
each in `samplers/` contains just that. Everything else, such as sampling tokens and running models, is shared.

Shapes: B rows, L positions.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..attention import BOTH
from ..objectives.base.capabilities import MASK_SHIFTS
from ..settings import settings
from .step import Step


@settings
class Sampler(ABC):
    """Decides which positions are masked after a step."""

    revises: ClassVar[bool] = False
    """Whether it masks revealed tokens again, so that it can revise a given text."""
    capabilities: ClassVar[Mapping[str, int]] = MASK_SHIFTS | {"unmask_blocks": 0}
    """The capabilities of which the model's objective must have one, each with how many positions before a token it is
    predicted."""
    view: ClassVar[int] = BOTH
    """What the model sees: the whole row with its masks, BOTH, or only earlier tokens, FORWARD; then it
    predicts one token at a time, and may end a text with [SEP]."""
    stochastic_remask: ClassVar[bool] = False
    """Whether it may mask tokens again in a row without masks, so that such a row is not yet finished."""

    @property
    def needs_remasker(self) -> bool:
        """Whether it needs a model that detects wrong tokens."""
        return False

    def steps_within(self, passes: int, guided: bool = False) -> int:
        """The most steps that take at most so many forward passes, one at least.

        A step is a pass of the model, two with guidance, and, but for the last one, one of a remasker if it is needed.
        """
        each = 1 + guided
        return max(1, (passes + self.needs_remasker) // (each + self.needs_remasker))

    @property
    def exact(self) -> str:
        """When its texts are samples from the model's own distribution; empty if never."""
        return ""

    @abstractmethod
    def hide(self, step: Step) -> Tensor:
        """[B, L] bool, the active positions that are masked after the step; the other masks are revealed."""


@settings
class Rewriter(Sampler, ABC):
    """Decides what stands at each position after a step, so that a token may change without a mask in between.

    For models that have seen random tokens in the place of others.
    """

    revises: ClassVar[bool] = True
    stochastic_remask: ClassVar[bool] = True
    capabilities: ClassVar[Mapping[str, int]] = {"denoise": 0}

    @abstractmethod
    def write(self, step: Step) -> Tensor:
        """[B, L] int64, the tokens after the step; without [MASK]s after the last one."""

    def hide(self, step: Step) -> Tensor:
        return step.active & (self.write(step) == step.denoiser.vocabulary.mask)


def lowest(worth: Tensor, among: Tensor, many: Tensor) -> Tensor:
    """[B, L] bool, of the positions `among`, [B, L] bool, in each row the `many`, [B] int64, with the lowest score."""
    order = torch.where(among, worth.double(), torch.inf).argsort(dim=1, stable=True)
    place = torch.empty_like(order).scatter_(1, order, torch.arange(order.shape[1]).expand_as(order))
    return among & (place < many[:, None])


def gumbel(u: Tensor) -> Tensor:
    """Standard Gumbel noise from uniform numbers in [0, 1), float64."""
    return -torch.log(-torch.log(u.double().clamp(2.0**-30, 1 - 2.0**-30)))
