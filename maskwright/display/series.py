"""Metrics over an integer, such as `layers/3/forward/loss`: a table with one line per row, and a figure."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from matplotlib.ticker import MaxNLocator

from .elements.drawing import embedded
from .elements.figure import figure
from .elements.style import STYLE
from .elements.table import Table, written

Series = dict[str, dict[int, dict[str, float]]]
"""Series (`layers`), row (3), metric (`forward/loss`), value."""

DRAWN = {
    "loss": "loss (nats per token)",
    "accuracy": "accuracy",
    "spearman": "rank correlation",
    "weight": "share of the mixture",
}
"""What is drawn (the first that exists), and the label of its axis."""


def series(numbers: Mapping[str, float]) -> Series:
    """The metrics named `series/ROW/metric`, by series, row and metric."""
    found: Series = {}
    for name, number in numbers.items():
        what, row, rest = (*name.split("/", 2), "", "")[:3]
        if row.isdecimal() and rest:
            found.setdefault(what, {}).setdefault(int(row), {})[rest] = number
    return found


def table(what: str, rows: Mapping[int, Mapping[str, float]]) -> Table:
    """A line for each row, a column for each name."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    shown = Table(what)
    for name in names:
        shown.add_column(name.replace("/", "\n"), justify="right")
    for row, numbers in rows.items():
        shown.add_row(str(row), *(written(numbers.get(name)) for name in names))
    return shown


def page(found: Series, drawn: Path) -> Path:
    """Write a page beside the figure `drawn`, with it and its numbers. Returns the path."""
    parts = [f"<!doctype html><meta charset=utf-8><title>{escape(drawn.stem)}</title><style>{STYLE}</style>"]
    parts += [f"<h1>{escape(drawn.stem)}</h1>", embedded(drawn)]
    for what, rows in found.items():
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        heads = "".join(f"<th>{escape(name)}" for name in [what, *names])
        cells = [[f"{row:,}", *(written(numbers.get(name)) for name in names)] for row, numbers in rows.items()]
        parts.append(f"<table><tr>{heads}{''.join('<tr><td>' + '<td>'.join(line) for line in cells)}</table>")
    path = drawn.with_suffix(".html")
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def plot(found: Series, path: Path) -> Path:
    """Draw every loss (or the next kind in DRAWN) over the rows and save it. Returns the path."""
    with figure(path, columns=len(found)) as panels:
        for axes, (what, rows) in zip(panels[0], found.items(), strict=True):
            every = list(dict.fromkeys(name for row in rows.values() for name in row))
            drawn = next((kind for kind in DRAWN if any(name.endswith(kind) for name in every)), "loss")
            lines = {}
            for name in (name for name in every if name.endswith(drawn)):
                points = sorted((row, numbers[name]) for row, numbers in rows.items() if name in numbers)
                (line,) = axes.plot(*zip(*points, strict=True), marker="o", markersize=3)
                lines[name.removesuffix(f"/{drawn}")] = line
            axes.set(xlabel=what, ylabel=DRAWN[drawn])
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            if lines:
                axes.legend(lines.values(), lines)
    return path
