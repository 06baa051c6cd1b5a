"""Accuracies with intervals (`field/syntax/accuracy`, `field/syntax/low`, `…/high`) as a table and a figure."""

from collections.abc import Mapping
from pathlib import Path

from rich.table import Column

from .elements.figure import figure
from .elements.table import Table

Scores = dict[str, dict[str, float]]
"""Group (`field/syntax`; empty for the total) to the metrics of its row."""


def scores(numbers: Mapping[str, float]) -> Scores:
    """The rows among `numbers` that have an interval."""
    rows = [name.rpartition("/")[0] for name in numbers if name.rpartition("/")[2] == "low"]
    found: Scores = {row: {} for row in rows}
    for name, number in numbers.items():
        row, _, column = name.rpartition("/")
        if row in found:
            found[row][column] = number
    return found


def table(found: Scores) -> Table:
    """A line for each group: its metrics and the interval."""
    shown = Table(Column("", overflow="fold"))
    columns = list(dict.fromkeys(name for row in found.values() for name in row if name not in ("low", "high")))
    for column in columns:
        shown.add_column(column, justify="right")
    shown.add_column("95 %", justify="right")
    for row, numbers in found.items():
        cells = [_written(numbers[column]) if column in numbers else "" for column in columns]
        shown.add_row(row or "all", *cells, f"{numbers['low']:.1%} – {numbers['high']:.1%}")
    return shown


def _written(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.1%}"


def plot(found: Scores, path: Path) -> Path:
    """Draw the score of each row with its interval and save it. Returns the path."""
    names = list(reversed(found))
    middle = [found[name]["accuracy"] for name in names]
    reach = [
        [one - found[name]["low"] for one, name in zip(middle, names, strict=True)],
        [found[name]["high"] - one for one, name in zip(middle, names, strict=True)],
    ]
    with figure(path, size=(7, 1 + 0.16 * len(names))) as ((axes,),):
        axes.errorbar(middle, range(len(names)), xerr=reach, fmt="o", markersize=3, linewidth=1)
        axes.set(yticks=range(len(names)), xlabel="accuracy, with 95 % intervals", ylim=(-1, len(names)))
        axes.set_yticklabels([name or "all" for name in names], fontsize=6)
    return path
