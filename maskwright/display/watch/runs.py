"""What the folders of runs say now: how far each is, its last numbers and its curves. Only files are read."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from typing import Any

from ...files.yaml_files import read_yaml
from ...run.metrics_log import read
from ..elements.duration import clock

POINTS = 400
"""Points of a curve that are shown: more are thinned out evenly."""
BUDGETS = {"steps": "step", "epochs": "epoch", "tokens": "tokens", "words": "words"}
"""The settings of `training` that say how long, and what a line of the log counts of each."""


@dataclass(frozen=True)
class Watched:
    """A run at one moment."""

    name: str
    lines: Sequence[dict[str, Any]]
    """Of its metrics.jsonl."""
    done: float
    """The share of its length that it has trained, from 0 to 1; NaN where the length is not known."""
    ago: float
    """Seconds since it wrote its last line."""
    finished: bool
    objective: str = ""
    """By name."""
    fault: str = ""
    """Why its files cannot be read."""

    def last(self, metric: str) -> float | None:
        """The newest value of a metric."""
        return next((line[metric] for line in reversed(self.lines) if metric in line), None)

    @property
    def left(self) -> float | None:
        """Seconds that it will still take at its mean speed."""
        seconds = self.last("seconds")
        return seconds * (1 / self.done - 1) if seconds is not None and self.done > 0 and not self.finished else None

    @property
    def says(self) -> str:
        """Whether it is finished or cannot be read, or for how long it has said nothing."""
        return "unreadable" if self.fault else "finished" if self.finished else clock(self.ago)

    def curves(self) -> dict[str, list[list[float]]]:
        """Of each metric the steps and values, at most POINTS of them and always the last."""
        found: dict[str, list[list[float]]] = {}
        for line in self.lines:
            for name, value in line.items():
                if isinstance(value, int | float) and isfinite(value) and name not in ("step", "seconds"):
                    found.setdefault(name, []).append([line["step"], value])
        return {name: _thinned(points) for name, points in found.items()}


def find(places: Sequence[Path]) -> dict[str, Path]:
    """The runs among `places` and in the folders below them, by name. Raises ValueError for a place without any."""
    found: dict[str, Path] = {}
    for place in places:
        here = sorted(path.parent for path in place.glob("**/metrics.jsonl"))
        if not here:
            raise ValueError(f"{place} holds no run (metrics.jsonl), nor does a folder in it")
        for path in here:
            name = str(path.relative_to(place)) if path != place else place.resolve().name
            found[str(path) if name in found else name] = path
    return found


def look(name: str, path: Path) -> Watched:
    """The run in `path` as it is now. A line that is being written is left out; a file that is broken is a fault of
    this run alone."""
    ago = time.time() - (path / "metrics.jsonl").stat().st_mtime
    finished = (path / "final.json").is_file()
    try:
        lines, _ = read(path / "metrics.jsonl")
        config = read_yaml(path / "config.yaml") if (path / "config.yaml").is_file() else {}
    except ValueError as error:
        return Watched(name, [], nan, ago, finished, fault=str(error))
    done = 1.0 if finished else _done(config.get("training", {}), lines)
    return Watched(name, lines, done, ago, finished, config.get("objective", {}).get("name", ""))


def _done(training: dict[str, Any], lines: Sequence[dict[str, Any]]) -> float:
    trained = [line for line in lines if "loss" in line]
    shares = [trained[-1][count] / training[name] for name, count in BUDGETS.items() if trained and training.get(name)]
    return min([1.0, *shares]) if shares else nan


def _thinned(points: list[list[float]]) -> list[list[float]]:
    stride = -(-len(points) // POINTS)
    return points[::-stride][::-1]
