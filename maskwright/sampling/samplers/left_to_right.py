"""One token at a time, each sampled from the next-token distribution of a causal model.

Such a model sees what is before and nothing else, so it is asked otherwise than one that fills masks; the sampler says
so, and a text may end before its length.
"""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ...attention import FORWARD
from ...settings import settings
from ..sampler import Sampler
from ..step import Step


@settings
class LeftToRight(Sampler):
    """Reveal the leftmost, with a causal model."""

    capabilities: ClassVar[Mapping[str, int]] = {"forward": 1}
    view: ClassVar[int] = FORWARD

    @property
    def exact(self) -> str:
        return "with a step for each token"

    def hide(self, step: Step) -> Tensor:
        return step.masked & (step.masked.cumsum(1) > 1)
