"""A number that may change over a run: a constant, a line, a cosine or steps, as a function of progress in [0, 1].

In YAML: `0.15`, `{start: 0.4, end: 0.15}`, `{start: 0.4, end: 0.15, shape: cosine}` or `{steps: {0: 0.4, 0.5: 0.15}}`.
"""

from collections.abc import Callable, Mapping
from math import cos, pi, sqrt
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from . import settings

Share = Annotated[float, Field(gt=0, lt=1)]
"""A fraction strictly between 0 and 1."""

SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda progress: progress,
    "cosine": lambda progress: (1 - cos(pi * progress)) / 2,
}


@settings
class Ramp:
    """From `start` to `end` over the run."""

    start: Share
    """The value at the first step."""
    end: Share
    """The value at the last step."""
    shape: Literal["linear", "cosine"] = "linear"
    """The shape of the change between them."""

    def at(self, progress: float) -> float:
        return self.start + (self.end - self.start) * SHAPES[self.shape](progress)


def _pairs(steps: Any) -> Any:
    return tuple(steps.items()) if isinstance(steps, Mapping) else steps


@settings
class Steps:
    """Constant between given points of the run."""

    steps: Annotated[tuple[tuple[float, Share], ...], BeforeValidator(_pairs)]
    """From which share of the run on (the first is 0) which value holds; kept as pairs, which are a hashable value."""

    def __post_init__(self) -> None:
        begins = [begin for begin, _ in self.steps]
        if 0 not in begins or not all(0 <= begin < 1 for begin in begins):
            raise ValueError(f"steps={dict(self.steps)}: the keys are shares of the run in [0, 1), the first of them 0")

    def at(self, progress: float) -> float:
        return max(pair for pair in self.steps if pair[0] <= progress)[1]


Ratio = Share | Ramp | Steps


def value(ratio: Ratio, progress: float) -> float:
    """The ratio at `progress`, the share of the run that is done, in [0, 1]."""
    return ratio if isinstance(ratio, float) else ratio.at(progress)


DECAYS: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "linear": lambda progress: 1 - progress,
    "cosine": lambda progress: (1 + cos(pi * progress)) / 2,
    "sqrt": lambda progress: 1 - sqrt(progress),
}
"""What is left of the peak after a share of the fall; `sqrt` is that of Hägele et al. 2024 (arXiv 2405.18392)."""


def learning_rate(
    step: int, steps: int, warmup: float = 0.0, decay: str = "cosine", stable: float = 0.0, floor: float = 0.0
) -> float:
    """The factor on the peak learning rate at `step` (0-based) of `steps`.

    Rises linearly over the first `warmup` share of the run (never zero at the first step), stays at 1 for the next
    `stable` share, then decays by `decay` (constant, linear, cosine or sqrt) to `floor`.
    """
    progress = (step + 1) / steps
    if progress < warmup:
        return progress / warmup
    rest = max(1 - warmup - stable, 1e-12)
    fallen = min(max((step / steps - warmup - stable) / rest, 0.0), 1.0)
    return floor + (1 - floor) * DECAYS[decay](fallen)
