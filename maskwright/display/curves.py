"""The curves of a run as figures: loss, accuracy, learning rate.

A validation's marker says its step and value, under the pointer and to the keyboard, by its title in the SVG.
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
        marked = {line.get_gid(): line.get_xydata().tolist() for line in axes.lines if line.get_gid()}
    drawing = read_text(path)
    for name, points in marked.items():
        drawing = _said(drawing, name, points)
    path.write_text(drawing, encoding="utf-8")
    return path


def _said(drawing: str, name: str, points: Sequence[Sequence[float]]) -> str:
    """An SVG in which each marker of the line `name` has the focus in its turn, and says what it stands for."""
    before, group, after = drawing.partition(f'<g id="{name}">')
    told = iter(f"{name}, step {step:,.0f}: {value:.4g}" for step, value in points)

    def marker(found: re.Match[str]) -> str:
        said = next(told)
        return f'<use {found[1].rstrip()} tabindex="0" role="img" aria-label="{said}"><title>{said}</title></use>'

    return before + group + re.sub(r"<use ([^>]*)/>", marker, after, count=len(points))


def _marked(axes: Axes, points: tuple[list[float], list[float]], color: str, label: str) -> None:
    """A curve of few points, each with a marker."""
    axes.plot(*points, color=color, marker="o", markersize=3, label=label, gid=label)


def _loss(axes: Axes, lines: Lines, final: Mapping[str, float]) -> None:
    axes.plot(*column(lines, "loss"), color="#b9c4d6", linewidth=0.8, label="training")
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
    axes.set_ylim(0, 1)
    axes.legend()


def _rate(axes: Axes, lines: Lines, final: Mapping[str, float]) -> None:
    axes.plot(*column(lines, "lr"), color="#1f4e9c")
    axes.set_ylabel("learning rate")
    axes.set_ylim(bottom=0)


def _masked(axes: Axes, lines: Lines, final: Mapping[str, float]) -> None:
    axes.plot(*column(lines, "mask_ratio"), color="#1f4e9c")
    axes.set_ylabel("share of the tokens predicted")
    axes.set_ylim(bottom=0)


FIGURES = {"loss": _loss, "accuracy": _accuracy, "mask_ratio": _masked, "learning_rate": _rate}
