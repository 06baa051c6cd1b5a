"""One trial of a tuning: the runs of one set of values, a seed after the other, watched at each validation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...files.json_files import read_object
from ...run.config import Config
from ...run.metrics_log import read_lines
from ..results import MAIN
from ..runner.one_run import finished
from ..runner.pool import Job


@dataclass
class Attempt:
    """A trial in progress."""

    folders: list[Path]
    """One for each seed, of which the first is watched."""
    configs: list[Config]
    metric: str
    """As validation names it."""
    start: Callable[[Path], Job]
    place: int = 0
    """The seed that is trained now."""
    job: Job | None = None
    reported: int = 0
    """Validations that have been looked at."""
    values: list[float] = field(default_factory=list)
    """Of the seeds that are done."""

    def begin(self) -> None:
        """Start, or go on with, the run of the present seed."""
        folder = self.folders[self.place]
        if not finished(folder):
            self.configs[self.place].write(folder / "config.yaml")
            self.job = self.start(folder)

    def validations(self) -> Iterator[tuple[int, float]]:
        """Those of the first seed since the last look, from 1 on; the last of the run counts as any other."""
        lines = read_lines(self.folders[0] / "metrics.jsonl")
        seen = [line[f"valid/{self.metric}"] for line in lines if f"valid/{self.metric}" in line]
        for value in seen[self.reported :]:
            self.reported += 1
            yield self.reported, value

    def ended(self) -> str | None:
        """After the run of a seed has ended: empty if it succeeded, else why not; None while it runs."""
        if self.job is not None and self.job.running():
            return None
        return (self.job.error() or "") if self.job else ""

    def next_seed(self) -> bool:
        """Take the value of the present seed, and go on with the next; False after the last.

        Raises ValueError when its validation has no such metric.
        """
        found = read_object(self.folders[self.place] / "final.json")
        if f"valid/{self.metric}" not in found:
            there = [name for key in found if MAIN.fullmatch(name := key.removeprefix("valid/"))]
            raise ValueError(f"metric={self.metric} is not in the validation of these runs: {', '.join(there)} are")
        self.values.append(found[f"valid/{self.metric}"])
        self.place, self.job = self.place + 1, None
        if self.place == len(self.folders):
            return False
        self.begin()
        return True

    def stop(self) -> None:
        """Let the run save a checkpoint and end."""
        if self.job is not None:
            self.job.stop()
