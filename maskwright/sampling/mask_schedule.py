"""Which share of the free positions is masked after each step of a sampler."""

from collections.abc import Callable
from math import cos, exp, pi
from typing import Annotated, Literal

from pydantic import Field

from ..settings import settings

Part = Annotated[float, Field(ge=0, le=1)]

SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda done: 1 - done,
    "cosine": lambda done: cos(pi / 2 * done),
    "exponential": lambda done: (exp(-2 * done) - exp(-2)) / (1 - exp(-2)),
}
"""The share left at `done`, from 1 at 0 to 0 at 1; cosine as in MaskGIT (Chang et al. 2022)."""


@settings
class MaskSchedule:
    """How fast the masks go: by a shape over a number of steps, or by a list."""

    steps: Annotated[int, Field(ge=1)] = 64
    """How often the model is asked."""
    shape: Literal["linear", "cosine", "exponential"] = "linear"
    """The way from `start` to `end`."""
    start: Part = 1.0
    """The share at the outset."""
    end: Part = 0.0
    """The share that the shape ends in; after the last step nothing is masked all the same."""
    custom: tuple[Part, ...] = ()
    """The share after each step but the last, instead of all that."""

    @property
    def after(self) -> list[float]:
        """The share masked after each step; 0 after the last."""
        if self.custom:
            return [*self.custom, 0.0]
        left = (SHAPES[self.shape]((step + 1) / self.steps) for step in range(self.steps - 1))
        return [*(self.end + (self.start - self.end) * share for share in left), 0.0]
