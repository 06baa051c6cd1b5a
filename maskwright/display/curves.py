"""The curves of a run as figures: loss, accuracy, learning rate.

A marker says its step and value by its title in the SVG: a validation's under the pointer and to the keyboard, one of
a long curve under the pointer alone, or one would tab through all of them.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from ..files.text import read_text
from .elements.figure import figure

Lines = Sequence[Mapping[str, Any]]
"""The objects of metrics.jsonl."""
MARKERS = 50


def column(lines: Lines, name: str) -> tuple[list[float], list[float]]:
    """The steps at which a metric was logged, and its values."""
    found = [(line["step"], line[name]) for line in lines if name in line]
    return [step for step, _ in found], [number for _, number in found]


def curves(lines: Lines, final: Mapping[str, float], out: Path) -> list[Path]:
    """Draw loss, accuracy and learning rate over steps into the folder `out`. Returns the files, as SVG."""
    return [_figure(out / f"{name}.svg", draw, lines, final) for name, draw in FIGURES.items()]


def _figure(path: Path, draw: Any, lines: Lines, final: Mapping[str, float]) -> Path:
    with figure(path) as ((axes,),):
        draw(axes, lines, final)
        axes.set_xlabel("step")
        marked = [line for line in axes.lines if line.get_gid()]
        points = {line.get_gid(): line.get_xydata()[:: line.get_markevery()].tolist() for line in marked}
        focused = {line.get_gid() for line in marked if line.get_markevery() is None}
    drawing = read_text(path)
    for name, shown in points.items():
        drawing = _said(drawing, name, shown, name in focused)
    path.write_text(drawing, encoding="utf-8")
    return path


def _said(drawing: str, name: str, points: Sequence[Sequence[float]], focused: bool) -> str:
    """An SVG in which each marker of the line `name` says what it stands for, and has the focus in its turn if
    `focused`."""
    before, group, after = drawing.partition(f'<g id="{name}">')
    told = iter(f"{name}, step {step:,.0f}: {value:.4g}" for step, value in points)

    def marker(found: re.Match[str]) -> str:
        said = next(told)
        turn = f' tabindex="0" role="img" aria-label="{said}"' if focused else ""
        return f"<use {found[1].rstrip()}{turn}><title>{said}</title></use>"

    return before + group + re.sub(r"<use ([^>]*)/>", marker, after, count=len(points))


def _marked(axes: Axes, points: tuple[list[float], list[float]], color: str, label: str) -> None:
    """A curve of few points, each with a marker."""
    axes.plot(*points, color=color, marker="o", markersize=3, label=label, gid=label)


def _long(axes: Axes, points: tuple[list[float], list[float]], color: str, label: str) -> None:
    """A curve of many points, of which about `MARKERS` have a marker."""
    every = 1 + len(points[0]) // MARKERS
    axes.plot(*points, color=color, linewidth=0.8, marker="o", markersize=1.5, markevery=every, label=label, gid=label)


def _from_zero(axes: Axes) -> None:
    """An axis from 0, with room above the highest value: one that never changes is not drawn on the frame."""
    axes.set_ylim(0, 1.08 * axes.dataLim.ymax or None)


def _loss(axes: Axes, lines: Lines, final: Mapping[str, float]) -> None:
    _long(axes, column(lines, "loss"), "#b9c4d6", "training")
    _marked(axes, column(lines, "valid/loss"), "#1f4e9c", "validation")
    axes.axhline(final["valid/unigram/loss"], color="#a33", linestyle=":", label="unigram")
    axes.set_ylabel("loss of the own objective (nats per token)")
    axes.legend()


def _accuracy(axes: Axes, lines: Lines, final: Mapping[str, float]) -> None:
    prefix, exam = ("valid/masked/", "masked") if "valid/masked/accuracy" in final else ("valid/", "own objective")
    _marked(axes, column(lines, f"{prefix}top5"), "#7fa7d9", "top-5")
    _marked(axes, column(lines, f"{prefix}accuracy"), "#1f4e9c", "accuracy")
    axes.axhline(final[f"{prefix}unigram/accuracy"], color="#a33", linestyle=":", label="unigram")
    axes.set_ylabel(f"validation accuracy ({exam})")
    _from_zero(axes)
    axes.legend()


def _rate(axes: Axes, lines: Lines, final: Mapping[str, float]) -> None:
    _long(axes, column(lines, "lr"), "#1f4e9c", "learning rate")
    axes.set_ylabel("learning rate")
    _from_zero(axes)


def _masked(axes: Axes, lines: Lines, final: Mapping[str, float]) -> None:
    _long(axes, column(lines, "mask_ratio"), "#1f4e9c", "mask ratio")
    axes.set_ylabel("share of the tokens predicted")
    _from_zero(axes)


FIGURES = {"loss": _loss, "accuracy": _accuracy, "mask_ratio": _masked, "learning_rate": _rate}
