"""A number that may change over a run: a constant, a line, a cosine or steps, as a function of progress in [0, 1].

In YAML: `0.15`, `{start: 0.4, end: 0.15}`, `{start: 0.4, end: 0.15, shape: cosine, until: 0.5}` or
`{steps: {0: 0.4, 0.5: 0.15}}`.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from math import cos, nextafter, pi, sqrt
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field

from . import settings

Number_co = TypeVar("Number_co", bound=float, covariant=True)
Share = Annotated[float, Field(gt=0, lt=1)]
"""A fraction strictly between 0 and 1."""
Probability = Annotated[float, Field(ge=0, le=1)]
"""A fraction between 0 and 1."""

SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda progress: progress,
    "cosine": lambda progress: (1 - cos(pi * progress)) / 2,
}


@settings
class Ramp(Generic[Number_co]):
    """From `start` to `end` over the run, or over a part of it."""

    start: Number_co
    """The value at the first step."""
    end: Number_co
    """The value at the last step, or from `until` on."""
    shape: Literal["linear", "cosine"] = "linear"
    """The shape of the change between them."""
    until: Annotated[float, Field(gt=0, le=1)] | None = None
    """The share of the run after which `end` is reached; null for all of it."""

    def at(self, progress: float) -> float:
        done = progress if self.until is None else min(progress / self.until, 1.0)
        return self.start + (self.end - self.start) * SHAPES[self.shape](done)


def pairs(steps: Any) -> Any:
    """A mapping as pairs, which are a hashable value."""
    return tuple(steps.items()) if isinstance(steps, Mapping) else steps


@settings
class Steps(Generic[Number_co]):
    """Constant between given points of the run."""

    steps: Annotated[tuple[tuple[float, Number_co], ...], BeforeValidator(pairs)]
    """From which share of the run on (the first is 0) which value holds; kept as pairs, which are a hashable value."""

    def __post_init__(self) -> None:
        begins = [begin for begin, _ in self.steps]
        if 0 not in begins or not all(0 <= begin < 1 for begin in begins):
            raise ValueError(f"steps={dict(self.steps)}: the keys are shares of the run in [0, 1), the first of them 0")

    def at(self, progress: float) -> float:
        return max(pair for pair in self.steps if pair[0] <= progress)[1]


Scheduled: TypeAlias = Number_co | Ramp[Number_co] | Steps[Number_co]
"""A number or a schedule of it: `Scheduled[Share]`. The bounds are those of the number, at every point of the run."""
Ratio: TypeAlias = Scheduled[Share]


def value(number: Scheduled[float], progress: float) -> float:
    """The number at `progress`, the share of the run that is done, in [0, 1]."""
    return number.at(progress) if isinstance(number, Ramp | Steps) else number


def whole(number: Scheduled[int], progress: float) -> int:
    """The same for a number that is counted: a ramp passes through the whole numbers between its ends."""
    return round(value(number, progress))


def sums(*numbers: Scheduled[float]) -> list[float]:
    """The sum of several numbers at a thousand points of the run, and on both sides of every step."""
    begins = [begin for number in numbers if isinstance(number, Steps) for begin, _ in number.steps]
    moments = [*(i / 1000 for i in range(1001)), *begins, *(nextafter(begin, 0) for begin in begins)]
    return [sum(value(number, progress) for number in numbers) for progress in moments]


def constant(number: Scheduled[float]) -> bool:
    """Whether it is the same over the whole run."""
    return not isinstance(number, Ramp | Steps)


def scheduled(part: Any, progress: float, path: str = "objective") -> dict[str, float]:
    """What is scheduled in a settings object and in those inside it, by path, each with its number at `progress`."""
    if isinstance(part, Ramp | Steps):
        return {path: part.at(progress)}
    inside = {field.name: getattr(part, field.name) for field in fields(part)} if is_dataclass(part) else {}
    items = inside if not isinstance(part, tuple) else dict(enumerate(part))
    found = (scheduled(item, progress, f"{path}.{name}") for name, item in items.items())
    return {name: number for each in found for name, number in each.items()}


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
