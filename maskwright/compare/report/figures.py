"""Figures of a comparison: every metric over tokens with a band over seeds, and the differences."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import EngFormatter, PercentFormatter

from ...display.elements.figure import figure
from ..differences import Difference
from ..results import Run, higher, is_share
from ..targets import mean_curve

COLOURS = (
    "#1f4e9c", "#d9621e", "#2c7a3f", "#8a3b8f", "#c9a400", "#3fb1d6", "#7a4a24", "#5b6472", "#d4418e", "#7fb347",
    "#0f8f85", "#a51d2d",
)  # fmt: skip
"""Colours of the arms in order; after twelve they repeat with dashed lines."""
NAMES = {
    "loss": "loss",
    "accuracy": "accuracy",
    "top5": "among the best five",
    "bits_per_byte": "bits per byte",
    "ndcg10": "nDCG@10",
    "mrr10": "MRR@10",
}
UNITS = {
    "loss": "nats a token",
    "accuracy": "share of tokens",
    "top5": "share of tokens",
    "bits_per_byte": "bits per byte",
    "ndcg10": "0 to 1",
    "mrr10": "0 to 1",
}
EXAMS = {"": "own exam", "masked": "hidden tokens", "forward": "next token", "backward": "previous token"}


def title(metric: str) -> str:
    """A metric's name in words."""
    exam, _, name = metric.rpartition("/")
    return f"{EXAMS.get(exam, exam)}: {NAMES.get(name, name)}"


def look(number: int) -> dict[str, str]:
    """Colour and line style of an arm."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": ("-", "--", ":")[number // len(COLOURS) % 3]}


def _saved(path: Path, draw: Callable[[Axes], None], height: float = 3.4) -> Path:
    """Draw into `path` (.svg) and beside it as .png."""
    with figure(path, path.with_suffix(".png"), size=(6.4, height)) as ((axes,),):
        draw(axes)
    return path


def curves(arms: Mapping[str, Mapping[int, Run]], metrics: Mapping[str, Sequence[str]], out: Path) -> list[Path]:
    """A figure for each metric, of the arms that have it, into the folder `out`. Returns the SVG files."""
    numbers = {arm: number for number, arm in enumerate(arms)}

    def draw(axes: Axes, metric: str) -> None:
        lines = {}
        for arm in metrics[metric]:
            grid, values = mean_curve(arms[arm], metric)
            style: Any = look(numbers[arm])
            (lines[arm],) = axes.plot(grid, values.mean(0), linewidth=1.6, marker="o", markersize=2.5, **style)
            axes.fill_between(grid, values.min(0), values.max(0), alpha=0.16, linewidth=0, color=style["color"])
        axes.set(xlabel="tokens of text", ylabel=UNITS[metric.rpartition("/")[2]], title=title(metric))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        _shares(axes.yaxis, metric)
        axes.legend(lines.values(), lines, loc="center left", bbox_to_anchor=(1.01, 0.5))  # beside the curves

    return [_saved(out / f"{metric.replace('/', '_')}.svg", lambda axes, m=metric: draw(axes, m)) for metric in metrics]  # type: ignore[misc]


def differences(found: Sequence[Difference], arms: Sequence[str], out: Path) -> list[Path]:
    """A figure for each metric: the difference of every seed as a dot, the mean as a diamond on its interval."""
    metrics = list(dict.fromkeys(each.metric for each in found))
    drawn = []
    for metric in metrics:
        rows = [each for each in found if each.metric == metric]
        path = out / f"difference_{metric.replace('/', '_')}.svg"
        drawn.append(_saved(path, lambda axes, rows=rows: _forest(axes, rows, list(arms)), 1.3 + 0.4 * len(rows)))  # type: ignore[misc]
    return drawn


def _shares(axis: Axis, metric: str) -> None:
    """Format shares in percent."""
    if is_share(metric):
        axis.set_major_formatter(PercentFormatter(1, decimals=None))


def _forest(axes: Axes, rows: Sequence[Difference], arms: Sequence[str]) -> None:
    for place, each in enumerate(reversed(rows)):
        colour = look(arms.index(each.arm))["color"]
        if each.interval:
            reach = each.interval.low, each.interval.high
            axes.plot(reach, [place, place], color=colour, linewidth=3, alpha=0.5, solid_capstyle="butt")
        axes.plot(list(each.seeds.values()), [place] * len(each.seeds), ".", color=colour, markersize=5)
        axes.plot(each.mean, place, "D", color=colour, markersize=6)
    axes.axvline(0, color="#1c2430", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [f"{each.arm} − {each.reference}" for each in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    _shares(axes.xaxis, rows[0].metric)
    side = "right" if higher(rows[0].metric) else "left"
    axes.set_title(f"{title(rows[0].metric)}; better to the {side}")
