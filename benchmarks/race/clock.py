"""A clock that is stopped during evaluation, and the loss curve that it records."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from os import getloadavg
from pathlib import Path
from time import perf_counter, process_time


@dataclass
class Curve:
    """Loss against training tokens and training time."""

    tokens: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """By the clock on the wall."""
    core_seconds: list[float] = field(default_factory=list)
    """Of processor time, which other work on the machine hardly changes."""
    loss: list[float] = field(default_factory=list)

    def first_below(self, loss: float) -> int | None:
        """The number of the first exam that was passed with `loss` or less."""
        return next((i for i, found in enumerate(self.loss) if found <= loss), None)


def kept(path: Path, run: Callable[[], Curve]) -> Curve:
    """The curve in the file `path`; where there is none it is run, and kept there with the load of the machine."""
    if not path.exists():
        curve = run()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"load": getloadavg()[1], **asdict(curve)}))
    found = json.loads(path.read_text())
    return Curve(**{part.name: found[part.name] for part in fields(Curve)})


class Clock:
    """`start` it; `at` stops it where an exam is due, takes the exam and adds to `curve`."""

    def __init__(self, take: Callable[[], float], every: int):
        self.take, self.every = take, every
        self.curve = Curve()
        self.start()

    def start(self) -> None:
        """Count from now."""
        self.begin, self.core_begin = perf_counter(), process_time()

    def at(self, tokens: int, last: bool) -> None:
        """Take the exam when another `every` tokens are through, or at the end."""
        done = self.curve.tokens[-1] if self.curve.tokens else 0
        if tokens // self.every == done // self.every and not (last and tokens > done):
            return
        stopped, core_stopped = perf_counter(), process_time()
        self.curve.tokens.append(tokens)
        self.curve.seconds.append(stopped - self.begin)
        self.curve.core_seconds.append(core_stopped - self.core_begin)
        self.curve.loss.append(self.take())
        self.begin += perf_counter() - stopped
        self.core_begin += process_time() - core_stopped
