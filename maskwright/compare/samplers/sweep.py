"""Samplers × forward passes × seeds. Every cell is kept in a file of its own, so that a killed sweep goes on.

Shapes: P prompts, S seeds, L tokens in a text.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from ...evaluate.generation.diversity import consistency
from ...files.json_files import read_object
from ...progress import Bar, clock
from ...storage.atomic import atomic_write
from ...storage.cache import key
from .cells import Cell, Sweep, cells

Row = dict[str, Any]
"""A sampler at a number of passes: `sampler`, `passes`, `seeds`, `steps`, and a number for each metric, with `…_sd`."""
BOUNDS = "_low", "_high"
"""The ends of the names of an interval's bounds, which are means over seeds."""
ABOUT = ("sampler", "passes", "seed", "steps", "tokens")
"""What a cell says besides its metrics."""


@dataclass(frozen=True)
class Swept:
    """The results of a sweep."""

    rows: list[Row]
    held_out: dict[str, float]
    """The metrics of held-out text."""

    def write(self, out: Path) -> None:
        """Write results.json and results.csv."""
        atomic_write(out / "results.json", json.dumps(vars(self), indent=1))
        with (out / "results.csv").open("w", newline="", encoding="utf-8") as handle:
            lines = csv.DictWriter(handle, list(dict.fromkeys(name for row in self.rows for name in row)))
            lines.writeheader()
            lines.writerows(self.rows)


def carry_out(sweep: Sweep, out: Path, show: bool = True) -> Swept:
    """Measure every cell that `out` does not have yet, and sum them up.

    Raises ValueError when the folder holds a sweep of other models or with other options.
    """
    todo, identity = cells(sweep), sweep.identity()
    _check(out / "sweep.json", identity)
    columns = TextColumn("sweep"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), *clock()
    with Bar(*columns, visible=show) as bar:
        missing = [cell for cell in todo if not _path(out, cell).is_file()]
        whole, left = (sum(cell.passes for cell in some) for some in (todo, missing))  # what cells cost
        task = bar.add_task("", total=whole, completed=whole - left)
        for cell in missing:
            bar.update(task, description=f"passes · {cell.sampler} at {cell.passes}")
            point = json.dumps(sweep.measure(cell))
            atomic_write(out / "sweep.json", json.dumps(identity, indent=1))  # a cell first: what fails takes no folder
            atomic_write(_path(out, cell), point)
            bar.advance(task, cell.passes)
    found = [read_object(_path(out, cell)) for cell in todo]
    points = dict.fromkeys((cell.sampler, cell.passes) for cell in todo)
    alike = ([one for one in found if (one["sampler"], one["passes"]) == point] for point in points)
    prompt = sweep.options.prompt_length
    return Swept([_row(seeds, prompt) for seeds in alike], sweep.measure_held_out())


def _row(seeds: Sequence[dict[str, Any]], prompt_length: int) -> Row:
    """Means and standard deviations over the seeds of a point; of a single seed no deviation and no consistency."""
    row: Row = {name: seeds[0][name] for name in ("sampler", "passes", "steps")} | {"seeds": len(seeds)}
    for name in (name for name in seeds[0] if name not in ABOUT):
        values = [one[name] for one in seeds]
        row |= {name: float(np.mean(values))} | (
            {f"{name}_sd": float(np.std(values, ddof=1))} if len(seeds) > 1 and not name.endswith(BOUNDS) else {}
        )
    if len(seeds) > 1:
        tokens = np.array([one["tokens"] for one in seeds])  # [S, P, L]
        row["consistency"] = float(consistency(tokens[:, :, prompt_length:]).mean())
    return row


def _path(out: Path, cell: Cell) -> Path:
    name = cell.sampler.partition("+")[0]
    return out / "cells" / f"{name}-{cell.passes}-{cell.seed}-{key(vars(cell))}.json"


def _check(path: Path, now: dict[str, Any]) -> None:
    """Raises ValueError, naming what differs, when the folder holds another sweep."""
    then = read_object(path) if path.is_file() else now
    if differing := next((name for name in now if then.get(name) != now[name]), None):
        raise ValueError(
            f"{path.parent} holds a sweep with {differing}={then.get(differing)}, not {now[differing]}: "
            "take another --out"
        )
