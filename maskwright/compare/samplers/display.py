"""A sweep as a table, and as a figure of each metric over forward passes."""

from collections.abc import Sequence
from math import log2
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter, ScalarFormatter

from ...display.elements.figure import figure
from ...display.elements.table import Table
from .sweep import Row, Swept

METRICS = "perplexity", "entropy", "repetition", "consistency", "distinct_2"
"""What is drawn; the table has the first four and MAUVE, and the files have all."""
MARKERS = "osD^vP*X"


def table(swept: Swept) -> Table:
    """A line for each sampler and number of passes, and one for held-out text."""
    shown = Table()
    shown.add_column("sampler", no_wrap=True)
    names = (*METRICS[:4], *(name for name in ("mauve",) if name in swept.held_out))
    for name in ("passes", *names):
        shown.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for row in swept.rows:
        shown.add_row(row["sampler"], str(row["passes"]), *(_cell(row, name) for name in names))
    shown.add_row("held-out text", "", *(_cell(swept.held_out, name) for name in names))
    if "mauve" in names:
        same = {name: swept.held_out[f"mauve_same{name}"] for name in ("", "_low", "_high")}
        shown.add_row("two sets of one law", *[""] * len(METRICS[:4]), "", _interval(*same.values()))
    return shown


def _cell(row: Row, name: str) -> str:
    """`12.3 ± 0.4`, the deviation of perplexity alone; nothing where the metric is missing."""
    if name not in row:
        return ""
    if name == "mauve":
        return _interval(*(row[f"mauve{bound}"] for bound in ("", "_low", "_high")))
    if name != "perplexity":
        return f"{row[name]:.3f}"
    digits = ",.0f" if row[name] >= 100 else ",.1f"
    return f"{row[name]:{digits}}" + (f" ± {row[f'{name}_sd']:{digits}}" if f"{name}_sd" in row else "")


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.2f} ({low:.2f} – {high:.2f})"


def plot(swept: Swept, path: Path) -> Path:
    """Draw a panel for each metric, a line for each sampler; bars are one deviation over seeds. Returns the path."""
    with figure(path, rows=2, columns=3, size=(9.6, 5.4)) as panels:
        lines: dict[str, Any] = {}
        for axes, name in zip(panels.flat, METRICS, strict=False):
            lines |= _panel(axes, name, swept)
        panels.flat[-1].axis("off")
        panels.flat[-1].legend(lines.values(), lines, fontsize=7, loc="center")
    return path


def front(rows: Sequence[Row]) -> list[Row]:
    """The rows that no other surpasses in both, lower perplexity and higher entropy; the least perplexing first."""
    best: list[Row] = []
    for row in sorted(rows, key=lambda row: (row["perplexity"], -row["entropy"])):
        if not best or row["entropy"] > best[-1]["entropy"]:
            best.append(row)
    return best


def plot_front(swept: Swept, path: Path) -> Path:
    """Draw quality against variety: perplexity over entropy, a mark for each sampler at each number of passes, a line
    through the best of them, and held-out text. Returns the path."""
    with figure(path, size=(6.4, 4.4)) as ((axes,),):
        best = front(swept.rows)
        axes.plot([row["entropy"] for row in best], [row["perplexity"] for row in best], color="0.7", zorder=0)
        for number, sampler in enumerate(dict.fromkeys(row["sampler"] for row in swept.rows)):
            rows = [row for row in swept.rows if row["sampler"] == sampler]
            x, y, size = ([row[each] for row in rows] for each in ("entropy", "perplexity", "passes"))
            axes.scatter(
                x, y, [6 * log2(2 * each) for each in size], marker=MARKERS[number % len(MARKERS)], label=sampler
            )
        axes.plot(swept.held_out["entropy"], swept.held_out["perplexity"], "*", color="#a33", label="held-out text")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter())
        axes.set(xlabel="entropy of a text, nats: variety", ylabel="perplexity; larger marks took more passes")
        axes.legend(fontsize=7)
    return path


def _panel(axes: Axes, name: str, swept: Swept) -> dict[str, Any]:
    """Draw a metric. Returns what is drawn by its name."""
    lines: dict[str, Any] = {}
    for number, sampler in enumerate(dict.fromkeys(row["sampler"] for row in swept.rows)):
        rows = [row for row in swept.rows if row["sampler"] == sampler and name in row]
        x, y, bar = ([row.get(each, 0.0) for row in rows] for each in ("passes_per_text", name, f"{name}_sd"))
        lines[sampler] = axes.errorbar(x, y, bar, marker=MARKERS[number % len(MARKERS)], markersize=3, linewidth=1)
    if name in swept.held_out:
        lines["held-out text"] = axes.axhline(swept.held_out[name], color="#a33", linestyle=":")
    if name == "perplexity":
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter())
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel("forward passes for a text", fontsize=7)
    axes.set_title(name.replace("_", " "), fontsize=8)
    axes.tick_params(labelsize=6)
    return lines
