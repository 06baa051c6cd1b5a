"""The worker pool of a comparison: so many runs at a time, and a table of their progress."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from rich.progress import BarColumn, TaskID, TextColumn

from ...display.elements.duration import clock
from ...progress import Bar
from ...training.interrupt import Stopped, interrupts

PAUSE = 0.2
"""Seconds between two checks of the runs."""
TAIL = 1 << 14
"""Bytes at the end of a metrics file that are sure to hold its last training line."""


class Job(Protocol):
    """A run in progress, as a local process or a task of a cluster."""

    def running(self) -> bool: ...

    def stop(self) -> None: ...

    def error(self) -> str | None: ...


class ProgressTable:
    """A line for every run: its step, loss, tokens per second and the time left."""

    def __init__(self, folders: Mapping[str, Path], steps: Mapping[str, int], show: bool):
        columns = [TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[status]}")]
        self.progress = Bar(*columns, visible=show, every=60)
        self.folders = folders
        self.lines: dict[str, TaskID] = {
            name: self.progress.add_task(name, total=steps[name], status="waiting") for name in folders
        }

    def look(self, name: str) -> None:
        """Read how far the run has come."""
        if (line := _last(self.folders[name] / "metrics.jsonl")) is not None:
            total = self.progress.tasks[self.lines[name]].total or 0
            self.progress.update(self.lines[name], completed=line["step"], status=_status(line, total))

    def end(self, name: str, status: str) -> None:
        """Show how a run ended."""
        task = self.progress.tasks[self.lines[name]]
        self.progress.update(
            self.lines[name], completed=task.total if status == "done" else task.completed, status=status
        )


def _last(path: Path) -> dict[str, Any] | None:
    """The last whole line of training in a log."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        whole = file.read().decode(errors="replace").split("\n")[1 if file.tell() > TAIL else 0 : -1]
    lines = [line for line in whole if line.startswith("{") and line.endswith("}") and '"loss"' in line]
    return json.loads(lines[-1]) if lines else None


def _status(line: Mapping[str, Any], steps: float) -> str:
    left = (steps - line["step"]) * line["seconds"] / max(line["step"], 1)
    return (
        f"step {line['step']:,}/{steps:,.0f}  loss {line['loss']:.3f}  {line['tokens_per_second']:,.0f} tokens/s  "
        f"{clock(left)} left"
    )


def run_all(
    folders: Mapping[str, Path], start: Callable[[Path], Job], workers: int, table: ProgressTable
) -> dict[str, str]:
    """Run all `folders`, `workers` at a time. Returns the error of each run that failed.

    Raises Stopped when the process was asked to stop; the runs have saved themselves then.
    """
    waiting, working, failures = dict(folders), dict[str, Job](), dict[str, str]()
    with table.progress, interrupts("stopping: the runs save themselves; Ctrl-C again ends at once") as asked:
        try:
            while (waiting or working) and not asked.is_set():
                for name in list(waiting)[: workers - len(working)]:
                    working[name] = start(waiting.pop(name))
                for name in [name for name, job in working.items() if not job.running()]:
                    if error := working.pop(name).error():
                        failures[name] = error
                    table.end(name, error or "done")
                for name in working:
                    table.look(name)
                time.sleep(PAUSE)
        finally:
            for job in working.values():
                job.stop()
    if asked.is_set():
        raise Stopped(f"stopped with {len(waiting) + len(working)} runs to go; run the same command again to resume")
    return {name: failures[name] for name in folders if name in failures}
