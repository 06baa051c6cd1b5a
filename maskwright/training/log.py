"""Metrics go to metrics.jsonl, to a progress bar in the terminal, and to the configured trackers."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from rich.progress import BarColumn, TextColumn

from ..progress import Bar, Warnings, clock, warn
from ..run.metrics_log import read
from ..settings import registry
from ..storage.atomic import atomic_write


class Tracker(Protocol):
    """A destination for metrics."""

    def write(self, step: int, numbers: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


logger = logging.getLogger("maskwright")
"""Where the package warns."""


class Log:
    """The log of the run in `out`, continued from `step`: lines that an earlier attempt wrote after it are dropped."""

    def __init__(
        self, out: Path, config: Mapping[str, Any], trackers: Iterable[str], step: int, steps: int, show: bool
    ):
        path = out / "metrics.jsonl"
        found, garbled = read(path)
        if garbled:
            warn(garbled)
        kept = [line for line in found if line["step"] <= step and not _closing(line, steps)]
        atomic_write(path, "".join(json.dumps(line) + "\n" for line in kept))
        self.file = path.open("a")
        self.trackers: list[Tracker] = [registry.load("training.trackers", name)[0](out, config) for name in trackers]
        columns = TextColumn("{task.description}"), BarColumn(), *clock()
        self.steps, self.said = steps, "first step"
        self.progress = Bar(*columns, visible=show)
        self.task = self.progress.add_task(self.said, total=steps, completed=step)
        self.warnings = Warnings(logging.WARNING)

    def __enter__(self) -> "Log":
        self.progress.start()
        if not any(isinstance(handler, Warnings) for handler in logger.handlers):
            logger.addHandler(self.warnings)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        logger.removeHandler(self.warnings)
        self.progress.stop()
        self.file.close()
        for tracker in self.trackers:
            tracker.close()

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        """Append the metrics of `step` to the file and the trackers."""
        self.file.write(json.dumps({"step": step, **numbers}) + "\n")
        self.file.flush()
        for tracker in self.trackers:
            tracker.write(step, numbers)

    def show(self, step: int, numbers: Mapping[str, float]) -> None:
        """Move the bar."""
        loss = f"loss {numbers['loss']:.3f}" if "loss" in numbers else "nothing asked"
        speed = f"{numbers['tokens_per_second']:,.0f} tokens/s  {numbers['mfu']:.0%} MFU"
        self.said = f"step {step:,} of {self.steps:,}  {loss}  {speed}"
        self.progress.update(self.task, completed=step, description=self.said)

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """Say what is done beside training, while it is, in place of the speed."""
        brief = "  ".join(self.said.split("  ")[:2])
        self.progress.update(self.task, description=f"{brief}  {what}")
        yield
        self.progress.update(self.task, description=self.said)

    def say(self, sentence: str) -> None:
        """Print a line above the progress bar."""
        self.progress.console.print(sentence, soft_wrap=True)


class Silence:
    """The log of all ranks but the first: does nothing."""

    def __init__(self) -> None:
        self.warnings = logging.NullHandler()

    def __enter__(self) -> "Silence":
        logger.addHandler(self.warnings)
        return self

    def __exit__(self, *reason: object) -> None:
        logger.removeHandler(self.warnings)

    def write(self, step: int, numbers: Mapping[str, float]) -> None: ...

    def show(self, step: int, numbers: Mapping[str, float]) -> None: ...

    def during(self, what: str) -> AbstractContextManager[None]:
        return nullcontext()

    def say(self, sentence: str) -> None: ...


def _closing(line: Mapping[str, Any], steps: int) -> bool:
    """Whether a line holds the final validation, which a resumed run repeats."""
    return line["step"] == steps and "valid/loss" in line
