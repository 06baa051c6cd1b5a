"""What adaptive masking has learned: the hardest and easiest tokens, and how their weights developed.

Shapes: S steps, V tokens of the vocabulary.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..curves import Lines, column
from ..elements.figure import figure
from ..elements.table import Table

logger = logging.getLogger("maskwright")
Columns = Mapping[str, np.ndarray]
"""`training.token_weights.read`: `weight` [S, V] and the rest."""
QUANTILES = (0.99, 0.9, 0.5, 0.1, 0.01)


def extremes(found: Columns, tokens: Sequence[str], top: int) -> dict[str, list[dict[str, Any]]]:
    """The `top` tokens with the highest and lowest weight at the last step, of those ever scored; a warning says that
    none was."""
    weight, count, hard = (found[name][-1] for name in ("weight", "count", "difficulty"))
    judged = np.flatnonzero(count > 0)
    if not len(judged):
        logger.warning("the run is too short for weights: none of its tokens has been judged yet")
    order = judged[np.argsort(-weight[judged], kind="stable")]
    lines = [
        {"token": tokens[i], "weight": float(weight[i]), "difficulty": float(hard[i]), "count": int(count[i])}
        for i in order
    ]
    return {"hardest": lines[:top], "easiest": lines[::-1][:top]}


def table(name: str, lines: Sequence[Mapping[str, Any]]) -> Table:
    """One end of `extremes` for the terminal."""
    shown = Table(name, "weight", "difficulty", "judged")
    for line in lines:
        shown.add_row(repr(line["token"]), f"{line['weight']:.2f}", f"{line['difficulty']:.2f}", f"{line['count']:,}")
    return shown


def plots(found: Columns, tokens: Sequence[str], metrics: Lines, out: Path) -> list[Path]:
    """Draw into the folder `out`. Returns the files, as SVG."""
    drawn = {
        "weights": lambda axes: _quantiles(axes, found),
        "weights_tokens": lambda axes: _tokens(axes, found, tokens),
        "mask_ratio": lambda axes: _ratio(axes, metrics),
    }
    return [_figure(out / f"{name}.svg", draw) for name, draw in drawn.items()]


def _figure(path: Path, draw: Any) -> Path:
    with figure(path) as ((axes,),):
        draw(axes)
        axes.set_xlabel("step")
    return path


def _quantiles(axes: Axes, found: Columns) -> None:
    """Quantiles that stay at 1: nothing was learned. An upper one far above the rest: few types are masked."""
    weight = found["weight"][:, found["weight"][-1] > 0]
    levels = np.quantile(weight, QUANTILES, axis=1).T
    _lines(axes, found["step"], levels, [f"{level:.0%} are below" for level in QUANTILES], "weight of a type")


def _tokens(axes: Axes, found: Columns, tokens: Sequence[str], top: int = 4) -> None:
    weight, judged = found["weight"], np.flatnonzero(found["count"][-1] > 0)
    order = judged[np.argsort(-weight[-1, judged], kind="stable")]
    chosen = list(dict.fromkeys([*order[:top].tolist(), *order[::-1][:top].tolist()]))
    _lines(axes, found["step"], weight[:, chosen], [repr(tokens[i]) for i in chosen], "weight")


def _ratio(axes: Axes, metrics: Lines) -> None:
    axes.plot(*column(metrics, "mask_ratio"), color="#1f4e9c")
    axes.set_ylabel("share of the positions hidden")
    axes.set_ylim(bottom=0)


def _lines(axes: Axes, steps: np.ndarray, values: np.ndarray, names: Sequence[str], label: str) -> None:
    """One line for each column of `values`, [S, N]."""
    lines = axes.plot(steps, values, marker="o", markersize=2, linewidth=1)
    axes.set_ylabel(label)
    axes.legend(lines, names, fontsize=7, ncols=2)
