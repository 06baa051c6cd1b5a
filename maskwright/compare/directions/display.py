"""The two ratios as a table, a CSV file, and figures over steps, model size and removed layers."""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from ...display.elements.figure import figure
from ...display.elements.table import Table
from .ratios import Row

COLUMNS = "ratio", "depth", "width", "parameters", "p_bw", "layers", "at", "seeds"
VALUES = "mean_then_ratio", "ratio_then_mean", "deviation"
REMOVED = "layers removed"
MARKERS = "osD^vP*X"
MEANINGS = {1: "forward: without / with reading backward", 2: "forward / backward"}


def table(rows: Sequence[Row]) -> Table:
    """A line for each ratio at the end and over each range of epochs, with all layers or fewer."""
    metric = rows[0]["metric"] if rows else ""
    shown = Table(title=f"ratios of {metric}", title_justify="left")
    for name in (*COLUMNS, *VALUES):
        shown.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        if row["at"] != "validation":
            values = ("" if row[name] is None else f"{row[name]:.4f}" for name in VALUES)
            shown.add_row(*(str(row[name]) for name in COLUMNS), *values)
    return shown


def write(rows: Sequence[Row], out: Path) -> list[Path]:
    """Write ratios.csv and the figures into the folder `out`. Returns the files."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / "ratios.csv").open("w", newline="", encoding="utf-8") as handle:
        lines = csv.DictWriter(handle, list(rows[0]))
        lines.writeheader()
        lines.writerows(rows)
    return [out / "ratios.csv", *(_figure(out / f"{name}.svg", *panels, rows) for name, panels in FIGURES.items())]


def _figure(path: Path, names: Sequence[str], chosen: Callable[[Row], bool], rows: Sequence[Row]) -> Path:
    """A row of panels for each ratio, a column for each of the `names` on the horizontal axis."""
    size = (1 + 4.4 * len(names), 6.4)
    with figure(path, rows=2, columns=len(names), size=size, sharey="row", sharex="col") as panels:
        for ratio, line in zip((1, 2), panels, strict=True):
            found = [row for row in rows if row["ratio"] == ratio and chosen(row)]
            for axes, name in zip(line, names, strict=True):
                _lines(axes, name, found)
            line[0].set_ylabel(f"ratio {ratio} ({MEANINGS[ratio]})", fontsize=7)
        for axes, name in zip(panels[1], names, strict=True):
            axes.set_xlabel(name)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    return path


def _lines(axes: Axes, name: str, rows: Iterable[Row]) -> None:
    """A line for each setting, over what its runs differ in; a bar is one deviation over the seeds."""
    lines: dict[str, list[tuple[float, float, float]]] = {}
    for row in rows:
        x = row["depth"] - row["layers"] if name == REMOVED else row[name]
        lines.setdefault(_label(row, name), []).append((x, row["ratio_then_mean"], row["deviation"] or 0.0))
    for number, (label, points) in enumerate(lines.items()):
        x, y, bar = zip(*sorted(points), strict=True)
        marker = MARKERS[number % len(MARKERS)]
        axes.errorbar(x, y, bar, label=label, marker=marker, markersize=3, linewidth=1, elinewidth=0.6)
    axes.axhline(1, color="0.5", linewidth=0.8, linestyle=":")
    if lines:
        axes.legend(fontsize=5, loc="upper left", bbox_to_anchor=(1, 1))


def _label(row: Row, name: str) -> str:
    """What a line's runs share when they are put side by side over `name`."""
    size = {"depth": f"width {row['width']}", "width": f"depth {row['depth']}", "parameters": ""}
    return ", ".join(part for part in (size.get(name, f"{row['depth']} × {row['width']}"), f"p {row['p_bw']}") if part)


def _whole(row: Row) -> bool:
    return row["at"] == "end" and row["layers"] == row["depth"]


FIGURES: dict[str, tuple[tuple[str, ...], Callable[[Row], bool]]] = {
    "steps": (("step", "epoch"), lambda row: row["at"] == "validation"),
    "sizes": (("depth", "width", "parameters"), _whole),
    "layers": ((REMOVED,), lambda row: row["at"] == "end"),
}
