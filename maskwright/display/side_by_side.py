"""Metrics with intervals in columns, `perplexity` next to `held_out/perplexity`: a table and a figure."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes

from .elements.figure import figure
from .elements.table import Table

Columns = dict[str, dict[str, tuple[float, float, float]]]
"""Metric, column (empty for the model's samples), then the value and its interval."""
OWN = "samples"
"""Heading of the model's own column."""
WIDE = 4


def columns(numbers: Mapping[str, float]) -> Columns:
    """The metrics with intervals in several columns; empty if there is only one column."""
    found: Columns = {}
    for name, number in numbers.items():
        source, _, figure = name.rpartition("/")
        low, high = numbers.get(f"{name}_low"), numbers.get(f"{name}_high")
        if low is not None and high is not None:
            found.setdefault(figure, {})[source] = number, low, high
    return found if any(source for row in found.values() for source in row) else {}


def table(found: Columns) -> Table:
    """A line for each metric, two columns (value, interval) for each that has it."""
    shown = Table("")
    every = list(dict.fromkeys(source for row in found.values() for source in row))
    for source in every:
        shown.add_column(source or OWN, justify="right")
        shown.add_column("95 %", justify="right", style="dim")
    for name, row in found.items():
        cells = (_cells(row[source]) if source in row else ("", "") for source in every)
        shown.add_row(name, *(cell for pair in cells for cell in pair))
    return shown


def _cells(figure: tuple[float, float, float]) -> tuple[str, str]:
    value, low, high = (f"{number:,.1f}" if abs(figure[0]) >= 10 else f"{number:.3f}" for number in figure)
    return value, f"{low} – {high}"


def plot(found: Columns, path: Path) -> Path:
    """Draw each metric in its own panel and save it. Returns the path."""
    high = -(-len(found) // WIDE)
    with figure(path, rows=high, columns=WIDE, size=(8, 1.7 * high)) as panels:
        for axes, name in zip(panels.flat, found, strict=False):
            _panel(axes, name, found[name])
        for axes in panels.flat[len(found) :]:
            axes.axis("off")
    return path


def _panel(axes: Axes, name: str, row: Mapping[str, tuple[float, float, float]]) -> None:
    for place, (value, low, high) in enumerate(row.values()):
        colour = "#1f4e9c" if place == 0 else "#8a93a3"
        axes.plot([place, place], [low, high], color=colour, linewidth=1)
        axes.plot(place, value, "o", markersize=4, color=colour)
    axes.set_title(name, fontsize=8)
    axes.set_xticks(range(len(row)), [source or OWN for source in row], fontsize=6)
    axes.set_xlim(-0.5, len(row) - 0.5)
    axes.tick_params(axis="y", labelsize=6)
