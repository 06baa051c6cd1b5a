"""A sweep as a table, and as a figure of each metric over forward passes."""

from pathlib import Path

import matplotlib
from rich.table import Table

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import ScalarFormatter

from ...display.curves import STYLE
from .sweep import Row, Swept

METRICS = "perplexity", "entropy", "repetition", "consistency", "distinct_2"
"""What is drawn; the table has the first four, and the files have all."""
MARKERS = "osD^vP*X"


def table(swept: Swept) -> Table:
    """A line for each sampler and number of passes, and one for held-out text."""
    shown = Table(box=None, header_style="bold")
    shown.add_column("sampler", no_wrap=True)
    for name in ("passes", *METRICS[:4]):
        shown.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for row in swept.rows:
        shown.add_row(row["sampler"], str(row["passes"]), *(_cell(row, name) for name in METRICS[:4]))
    shown.add_row("held-out text", "", *(_cell(swept.held_out, name) for name in METRICS[:4]))
    return shown


def _cell(row: Row, name: str) -> str:
    """`12.3 ± 0.4`, the deviation of perplexity alone; nothing where the metric is missing."""
    if name not in row:
        return ""
    if name != "perplexity":
        return f"{row[name]:.3f}"
    digits = ",.0f" if row[name] >= 100 else ",.1f"
    return f"{row[name]:{digits}}" + (f" ± {row[f'{name}_sd']:{digits}}" if f"{name}_sd" in row else "")


def plot(swept: Swept, path: Path) -> Path:
    """Draw a panel for each metric, a line for each sampler; bars are one deviation over seeds. Returns the path."""
    with plt.rc_context(STYLE | {"figure.figsize": (9.6, 5.4)}):
        figure, panels = plt.subplots(2, 3)
        for axes, name in zip(panels.flat, METRICS, strict=False):
            _panel(axes, name, swept)
        handles, labels = panels.flat[0].get_legend_handles_labels()
        panels.flat[-1].axis("off")
        panels.flat[-1].legend(handles, labels, fontsize=7, loc="center")
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return path


def _panel(axes: Axes, name: str, swept: Swept) -> None:
    for number, sampler in enumerate(dict.fromkeys(row["sampler"] for row in swept.rows)):
        rows = [row for row in swept.rows if row["sampler"] == sampler and name in row]
        x, y, bar = ([row.get(each, 0.0) for row in rows] for each in ("passes_per_text", name, f"{name}_sd"))
        axes.errorbar(x, y, bar, label=sampler, marker=MARKERS[number % len(MARKERS)], markersize=3, linewidth=1)
    if name in swept.held_out:
        axes.axhline(swept.held_out[name], color="#a33", linestyle=":", label="held-out text")
    if name == "perplexity":
        axes.set_yscale("log")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel("forward passes for a text", fontsize=7)
    axes.set_title(name.replace("_", " "), fontsize=8)
    axes.tick_params(labelsize=6)
