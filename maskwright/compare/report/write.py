"""The report of a comparison: tables, figures and the page, and publishing the small files."""

import shutil
from pathlib import Path
from typing import Any

from ..study import Comparison, informative
from . import figures, page, tables

SMALL = (".json", ".csv", ".png", ".html")


def write(comparison: Comparison) -> dict[str, Any]:
    """Write results.json, summary.csv, curves.csv, page.html and `plots/`. Returns the content of results.json."""
    plots = comparison.out / "plots"
    plots.mkdir(exist_ok=True)
    found = tables.write(comparison)
    curves = figures.curves(comparison.by_arm, followed(comparison), plots)
    forests = figures.differences(comparison.differences, list(comparison.by_arm), plots)
    page.write(comparison, curves, forests)
    return found


def followed(comparison: Comparison) -> dict[str, list[str]]:
    """The metrics of which the runs have a curve: those that were measured while they trained."""
    metrics = informative(comparison.metrics, comparison.by)
    return {
        name: arms
        for name, arms in metrics.items()
        if all(name in run.curve for run in comparison.runs if run.arm in arms)
    }


def publish(out: Path, to: Path) -> list[Path]:
    """Copy the small files of a report (JSON, CSV, PNG, HTML), without the runs, to the folder `to`. Returns them."""
    files = [path for path in [*out.iterdir(), *(out / "plots").iterdir()] if path.suffix in SMALL]
    to.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copy(path, to / path.name)) for path in sorted(files)]
