"""The one metric that decides a comparison, written down before the first run begins; all others are one family."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..files.errors import short_repr
from ..files.json_files import read_object
from ..storage.atomic import atomic_write
from .intervals import LEVEL
from .results import comparable

FILE = "primary.json"


@dataclass(frozen=True)
class Primary:
    """Which metric decides; none where none was named."""

    metric: str | None
    declared: bool
    """Whether it was named before the first run began."""

    def level(self, metric: str, metrics: Collection[str]) -> float:
        """The confidence of the intervals of `metric`: 95 % for the primary one, and for all others together."""
        others = [name for name in metrics if name != self.metric]
        return LEVEL if metric == self.metric else 1 - (1 - LEVEL) / len(others)


def check(metric: str | None, own: bool, by: str | None) -> None:
    """Raises ValueError when `metric` is not compared. own: whether the arms' own exams are the same."""
    if metric is not None and not comparable(metric, own, by):
        example = f"masked/{by or 'loss'} or blimp,data=blimp/{by or 'accuracy'}"
        also = "" if own else ", and of an exam that the arms share"
        raise ValueError(f"primary={short_repr(metric)} is not compared: name a metric{also}, as in {example}")


def declare(out: Path, metric: str | None, begun: bool) -> Primary:
    """Write down what decides, unless runs have `begun`; else compare it with what was written then."""
    path = out / FILE
    if not begun:
        atomic_write(path, json.dumps({"metric": metric}))
    return Primary(metric, path.is_file() and read_object(path)["metric"] == metric)
