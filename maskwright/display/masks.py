"""Masks of objectives: a text over several epochs in colour, and mask coverage as a table and a plot."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from rich.console import Group, RenderableType
from rich.text import Text

from ..data.rows import Rows
from ..evaluate.validation.mask_coverage import FATES, LONGEST, fates, in_epoch
from ..objectives.base.objective import Objective
from ..settings.registry import name_of
from ..text.tokenizers.token_text import alone
from ..text.tokenizers.tokenizer import Tokenizer
from .elements.figure import figure
from .elements.painted import painted
from .elements.table import Table

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
    text: str,
    tokenizer: Tokenizer,
    objectives: Sequence[Objective],
    epochs: int = 5,
    seed: int = 0,
    progress: float = 0,
) -> RenderableType:
    """A text as each objective corrupts it in each epoch when `progress` of the run is done, in colour.

    Raises ValueError when it is empty.
    """
    ids, starts = tokenizer.encode(text)
    if not len(ids):
        raise ValueError("there is no text to mask")
    rows, parts = replace(row(ids, starts, tokenizer), progress=progress), tokenizer.slices(text)
    alike: dict[tuple[Line, ...], list[str]] = {}  # what has learned nothing yet may mask as others do
    for objective in objectives:
        lines = tuple(tuple(pieces(rows, parts, tokenizer, objective, epoch, seed)) for epoch in range(epochs))
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
    shown = Table("epoch", "", title=title, title_justify="left", header_style="dim")
    for epoch, line in enumerate(lines):
        parts = (part for blank, piece, fate in line for part in ((blank, ""), (piece, COLOURS.get(fate, ""))))
        shown.add_row(str(epoch), painted(parts))
    return shown


def pieces(
    rows: Rows, parts: list[str], tokenizer: Tokenizer, objective: Objective, epoch: int, seed: int
) -> list[tuple[str, str, str]]:
    """A `row` as an objective corrupts it in an epoch: for each token the whitespace before it, its text, and its fate
    (empty if it is not a target).

    parts: the part of the text that each token covers, as `Tokenizer.slices` gives them.
    """
    now = in_epoch(rows, epoch)
    inputs, fate = objective(now, seed).inputs[0, 1:-1].tolist(), fates(now, objective, seed)[0, 1:-1].tolist()
    there = [token if token != tokenizer.unknown else None for token in rows.tokens[0, 1:-1].tolist()]
    seen = _seen([now == then for now, then in zip(inputs, there, strict=True)], parts)
    written = [alone(tokenizer, i).strip() if text is None else text for i, text in zip(inputs, seen, strict=True)]
    return list(zip(before(parts), written, [FATES[i] if i >= 0 else "" for i in fate], strict=True))


def _seen(visible: Sequence[bool], parts: Sequence[str]) -> list[str | None]:
    """The text of each token in sight, None of the others. A character that several tokens share is shown once, at the
    first of them that is in sight."""
    found: list[str | None] = []
    shared = ""  # the last character so far, where no token in sight has shown it yet
    for here, part in zip(visible, parts, strict=True):
        shared = part.strip()[-1:] if part else shared
        found.append((part.strip() if part else shared) if here else None)
        shared = "" if here else shared
    return found


def before(slices: list[str]) -> list[str]:
    """The whitespace before each part of a text, which it begins with or the part before it ends with."""
    ends = ["", *(part[len(part.rstrip()) :] if part.strip() else "" for part in slices[:-1])]
    return [end + part[: len(part) - len(part.lstrip())] for end, part in zip(ends, slices, strict=True)]


def table(figures: Sequence[Figures]) -> Table:
    """The metrics of `mask_coverage.report`, each with its value for independent masking."""
    epochs = len(figures[0]["covered"])
    names = ("objective", "patterns", "ratio", f"covered in {epochs}", "diversity", "fates, %", "run")
    shown = Table(*names, padding=(0, 1, 0, 0), caption=CAPTION)
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


def classes_table(classes: Sequence[str], objectives: Sequence[str], rates: Sequence[Sequence[float]]) -> Table:
    """How many of the tokens of each class are masked; rates: [K] of each objective, as from `by_class`."""
    caption = "share of the tokens of a class that are masked"
    shown = Table("class", *objectives, header_style="bold", box=None, caption=caption)
    for name, *found in zip(classes, *rates, strict=True):
        shown.add_row(name, *(f"{rate:.1%}" for rate in found))
    return shown


def _beside(found: float, chance: float, form: str) -> Text:
    return Text.assemble(f"{found:{form}} ", (f"({chance:{form}})", "dim"))


def _mean(runs: Sequence[float]) -> float:
    return float(np.dot(runs, np.arange(1, len(runs) + 1)))


def plot(figures: Sequence[Figures], path: str | Path) -> Path:
    """Draw coverage over epochs and run lengths, dashed for independent masking, and save it. Returns the path."""
    dynamic = [one for one in figures if one["num_static_masks"] is None]
    with figure(Path(path), columns=2, size=(10, 4)) as ((left, right),):
        _coverage(left, dynamic, [one for one in figures if one["num_static_masks"] == 1])
        _lengths(right, dynamic)
    return Path(path)


def _coverage(axes: Axes, dynamic: Sequence[Figures], static: Sequence[Figures]) -> None:
    epochs = np.arange(1, len(dynamic[0]["covered"]) + 1)
    lines = [axes.plot(epochs, one["covered"], marker="o", markersize=3)[0] for one in dynamic]
    lines += axes.plot(epochs, dynamic[0]["covered_by_chance"], "k--", linewidth=1)
    lines += axes.plot(epochs, static[0]["covered"], color="0.6")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="epochs", ylabel="positions masked at least once", ylim=(0, 1))
    axes.legend(lines, [*(one["objective"] for one in dynamic), "by chance", "any of them, static"])


def _lengths(axes: Axes, dynamic: Sequence[Figures]) -> None:
    lengths = np.arange(1, LONGEST + 1)
    for one in dynamic:
        axes.plot(lengths, np.where(np.array(one["runs"]) > 0, one["runs"], np.nan), marker="o", markersize=3)
    axes.plot(lengths, dynamic[0]["runs_by_chance"], "k--", linewidth=1)
    axes.set(xlabel="length of a run of masked positions", ylabel="share of runs", yscale="log", ylim=(1e-4, 1))
    axes.yaxis.set_major_formatter("{x:g}")
