"""Masks of objectives: a text over several epochs in colour, and mask coverage as a table and a plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ..data.rows import Rows
from ..evaluate.validation.mask_coverage import FATES, LONGEST, fates, in_epoch
from ..objectives.base.objective import Objective
from ..settings.registry import name_of
from ..text.tokenizers.tokenizer import Tokenizer

COLOURS = {"masked": "black on yellow", "random": "black on red", "kept": "black on green"}
NAMES = {1: "static", None: "dynamic"}
CAPTION = (
    "in brackets: the value for independent masking; fates: masked, random, kept; "
    "run: the mean length of adjacent masked positions"
)
Figures = Mapping[str, Any]
Line = Sequence[tuple[str, str, str]]
"""A text as it is shown: for each token the whitespace before it, its text, and its fate."""


def show(
    text: str, tokenizer: Tokenizer, objectives: Sequence[Objective], epochs: int = 5, seed: int = 0
) -> RenderableType:
    """A text as each objective corrupts it in each epoch, in colour. Raises ValueError when it is empty."""
    ids, starts = tokenizer.encode(text)
    if not len(ids):
        raise ValueError("there is no text to mask")
    rows, blanks = row(ids, starts, tokenizer), before(tokenizer.slices(text))
    alike: dict[tuple[Line, ...], list[str]] = {}  # what has learned nothing yet may mask as others do
    for objective in objectives:
        lines = tuple(tuple(pieces(rows, blanks, tokenizer, objective, epoch, seed)) for epoch in range(epochs))
        alike.setdefault(lines, []).append(name_of(objective.settings))
    legend = Text("  ").join(Text(f" {fate} ", COLOURS[fate]) for fate in FATES)
    return Group(legend, *(_table(", ".join(names), lines) for lines, names in alike.items()))


def row(ids: np.ndarray, starts: np.ndarray, tokenizer: Tokenizer) -> Rows:
    """One row of one document: [CLS] ids [SEP]."""
    known = tokenizer.vocabulary
    tokens = torch.tensor([[known.cls, *ids, known.sep]])
    words = 1 + np.cumsum(starts > 0) - (starts[0] > 0)  # a text begins with a word
    word = torch.tensor([[0, *np.where(known.is_special[ids], 0, words), 0]], dtype=torch.int32)
    nought = torch.zeros(1, dtype=torch.int64)
    return Rows(tokens, torch.zeros_like(word), word, nought, nought, 0.0, known)


def _table(title: str, lines: Sequence[Line]) -> Table:
    shown = Table("epoch", "", title=title, title_justify="left", box=None, header_style="dim")
    for epoch, line in enumerate(lines):
        parts = [part for blank, piece, fate in line for part in (blank, (piece, COLOURS.get(fate, "")))]
        shown.add_row(str(epoch), Text.assemble(*parts))
    return shown


def pieces(
    rows: Rows, blanks: list[str], tokenizer: Tokenizer, objective: Objective, epoch: int, seed: int
) -> list[tuple[str, str, str]]:
    """A `row` as an objective corrupts it in an epoch: for each token the whitespace before it, its text, and its fate
    (empty if it is not a target)."""
    now = in_epoch(rows, epoch)
    inputs, fate = objective(now, seed).inputs[0, 1:-1].tolist(), fates(now, objective, seed)[0, 1:-1].tolist()
    written = [tokenizer.decode([token], specials=True).strip() for token in inputs]
    return list(zip(blanks, written, [FATES[i] if i >= 0 else "" for i in fate], strict=True))


def before(slices: list[str]) -> list[str]:
    """The whitespace that each part of a text begins with."""
    return [part[: len(part) - len(part.lstrip())] for part in slices]


def table(figures: Sequence[Figures]) -> Table:
    """The metrics of `mask_coverage.report`, each with its value for independent masking."""
    epochs = len(figures[0]["covered"])
    names = ("objective", "patterns", "ratio", f"covered in {epochs}", "diversity", "fates, %", "run")
    shown = Table(*names, header_style="bold", box=None, padding=(0, 1, 0, 0), caption=CAPTION)
    for one in figures:
        shown.add_row(
            one["objective"],
            NAMES.get(one["num_static_masks"], str(one["num_static_masks"])),
            f"{one['ratio']:.1%}",
            _beside(one["covered"][-1], one["covered_by_chance"][-1], ".1%"),
            _beside(one["diversity"], one["diversity_by_chance"], ".1%"),
            "/".join(f"{100 * one['fates'][fate]:.0f}" for fate in FATES),
            _beside(_mean(one["runs"]), _mean(one["runs_by_chance"]), ".2f"),
        )
    return shown


def _beside(found: float, chance: float, form: str) -> str:
    return f"{found:{form}} [dim]({chance:{form}})[/]"


def _mean(runs: Sequence[float]) -> float:
    return float(np.dot(runs, np.arange(1, len(runs) + 1)))


def plot(figures: Sequence[Figures], path: str | Path) -> Path:
    """Draw coverage over epochs and run lengths, dashed for independent masking, and save it. Returns the path."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    dynamic = [one for one in figures if one["num_static_masks"] is None]
    _coverage(left, dynamic, [one for one in figures if one["num_static_masks"] == 1])
    _lengths(right, dynamic)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return Path(path)


def _coverage(axes: Axes, dynamic: Sequence[Figures], static: Sequence[Figures]) -> None:
    epochs = np.arange(1, len(dynamic[0]["covered"]) + 1)
    for one in dynamic:
        axes.plot(epochs, one["covered"], marker="o", markersize=3, label=one["objective"].replace("_", " "))
    axes.plot(epochs, dynamic[0]["covered_by_chance"], "k--", linewidth=1, label="by chance")
    axes.plot(epochs, static[0]["covered"], color="0.6", label="any of them, static")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="epochs", ylabel="positions masked at least once", ylim=(0, 1))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _lengths(axes: Axes, dynamic: Sequence[Figures]) -> None:
    lengths = np.arange(1, LONGEST + 1)
    for one in dynamic:
        axes.plot(lengths, np.where(np.array(one["runs"]) > 0, one["runs"], np.nan), marker="o", markersize=3)
    axes.plot(lengths, dynamic[0]["runs_by_chance"], "k--", linewidth=1)
    axes.set(xlabel="length of a run of masked positions", ylabel="share of runs", yscale="log", ylim=(1e-4, 1))
    axes.spines[["top", "right"]].set_visible(False)
