"""The mask ratio after each step of a sampler: the share of the writable positions that is masked."""

from collections.abc import Callable
from math import cos, exp, pi
from typing import Annotated, Literal

from pydantic import Field

from ..settings import settings
from ..settings.bounds import Passes

Part = Annotated[float, Field(ge=0, le=1)]

SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda done: 1 - done,
    "cosine": lambda done: cos(pi / 2 * done),
    "exponential": lambda done: (exp(-2 * done) - exp(-2)) / (1 - exp(-2)),
}
"""The share left at `done`, from 1 at 0 to 0 at 1; cosine as in MaskGIT (Chang et al. 2022)."""


@settings
class MaskSchedule:
    """The mask ratio over the steps, as a shape or as a list."""

    steps: Passes = 64
    """Forward passes of the model."""
    shape: Literal["linear", "cosine", "exponential"] = "linear"
    """How the ratio falls from `start` to `end`."""
    start: Part = 1.0
    """The ratio at the start."""
    end: Part = 0.0
    """The ratio that the shape approaches; after the last step nothing is masked in any case."""
    custom: tuple[Part, ...] = ()
    """The ratio after each step but the last, instead of a shape."""

    @property
    def after(self) -> list[float]:
        """The mask ratio after each step; 0 after the last."""
        if self.custom:
            return [*self.custom, 0.0]
        left = (SHAPES[self.shape]((step + 1) / self.steps) for step in range(self.steps - 1))
        return [*(self.end + (self.start - self.end) * share for share in left), 0.0]
