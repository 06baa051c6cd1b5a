"""The curves of a run as figures: loss, accuracy, learning rate."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

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
    return path


def _loss(axes: Axes, lines: Lines, final: Mapping[str, float]) -> None:
    axes.plot(*column(lines, "loss"), color="#b9c4d6", linewidth=0.8, label="training")
    axes.plot(*column(lines, "valid/loss"), color="#1f4e9c", marker="o", markersize=3, label="validation")
    axes.axhline(final["valid/unigram/loss"], color="#a33", linestyle=":", label="unigram")
    axes.set_ylabel("loss of the own objective (nats per token)")
    axes.legend()


def _accuracy(axes: Axes, lines: Lines, final: Mapping[str, float]) -> None:
    prefix, exam = ("valid/masked/", "masked") if "valid/masked/accuracy" in final else ("valid/", "own objective")
    axes.plot(*column(lines, f"{prefix}top5"), color="#7fa7d9", marker="o", markersize=3, label="top-5")
    axes.plot(*column(lines, f"{prefix}accuracy"), color="#1f4e9c", marker="o", markersize=3, label="accuracy")
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
