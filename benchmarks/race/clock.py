"""A clock that stands still while the exam is taken, and the curve that it writes down."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter


@dataclass
class Curve:
    """Loss against training tokens and training seconds."""

    tokens: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)

    def first_below(self, loss: float) -> tuple[float, int] | None:
        """Seconds and tokens at the first exam that was passed with `loss` or less."""
        passed = (i for i, found in enumerate(self.loss) if found <= loss)
        return next(((self.seconds[i], self.tokens[i]) for i in passed), None)


class Clock:
    """`start` it; `at` stops it where an exam is due, takes the exam and adds to `curve`."""

    def __init__(self, take: Callable[[], float], every: int):
        self.take, self.every = take, every
        self.curve, self.begin = Curve(), perf_counter()

    def start(self) -> None:
        """Count from now."""
        self.begin = perf_counter()

    def at(self, tokens: int, last: bool) -> None:
        """Take the exam when another `every` tokens are through, or at the end."""
        done = self.curve.tokens[-1] if self.curve.tokens else 0
        if tokens // self.every == done // self.every and not (last and tokens > done):
            return
        stopped = perf_counter()
        self.curve.tokens.append(tokens)
        self.curve.seconds.append(stopped - self.begin)
        self.curve.loss.append(self.take())
        self.begin += perf_counter() - stopped
