"""How often each part of speech is hidden in the course of a run, and how that goes with what the model learns."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...evaluate.statistics.rates_and_gains import Association
from ...evaluate.validation.hiding_rates import Rates
from ..elements.figure import figure
from ..elements.table import Table

LINES = ("-", "--", ":")
COLOURS = 10
"""After so many lines the colours begin again, with another kind of line."""


def table(found: Rates) -> Table:
    """How often each part of speech is hidden first and last, and last beside all tokens."""
    caption = "the share hidden; relative: at last, beside all tokens"
    shown = Table("kind", "first", "last", "relative", caption=caption)
    for kind, first, last, beside in zip(
        found.kinds, found.hidden[0], found.hidden[-1], found.relative[-1], strict=True
    ):
        shown.add_row(kind, f"{first:.1%}", f"{last:.1%}", f"{beside:.2f}")
    return shown


def plot(found: Rates, path: Path) -> Path:
    """Draw the rates over the steps and save it. Returns the path."""
    with figure(path, size=(7.4, 3.8)) as ((axes,),):
        for number in np.argsort(-found.hidden[-1]).tolist():
            style, colour = LINES[number // COLOURS % len(LINES)], f"C{number % COLOURS}"
            axes.plot(found.steps, found.hidden[:, number], style, color=colour, linewidth=1, label=found.kinds[number])
        axes.set(xlabel="step", ylabel="share hidden", ylim=(0, None))
        axes.legend(fontsize=7, bbox_to_anchor=(1, 1), loc="upper left")
    return path


def association_table(kinds: Sequence[str], found: Association, top: int) -> Table:
    """The `top` strongest correlations of a rate with the changes of an accuracy, beside what chance gives."""
    shown = Table(
        "kind", "phenomenon", "r", "p", "p of all",
        caption=f"over {found.changes} changes, given time; 95 % of random orders have none of the {found.r.size} "
        f"beyond ±{found.largest_by_chance:.2f}",
    )  # fmt: skip
    strongest = np.argsort(-np.abs(found.r), axis=None, kind="stable")[:top]
    for k, p in zip(*np.unravel_index(strongest, found.r.shape), strict=True):
        cells = (f"{found.r[k, p]:+.2f}", f"{found.p[k, p]:.3f}", f"{found.p_of_all[k, p]:.3f}")
        shown.add_row(kinds[k], found.phenomena[p], *cells)
    return shown


def association_plot(kinds: Sequence[str], found: Association, path: Path) -> Path:
    """Draw all correlations, and beside them how many there are of each size, here and by chance. Returns the path."""
    size = 5.2 + 0.35 * len(found.phenomena), 1.8 + 0.24 * len(kinds)
    with figure(path, columns=2, size=size, gridspec_kw={"width_ratios": [3, 2]}) as ((left, right),):
        image = left.imshow(found.r, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        left.set(xticks=range(len(found.phenomena)), yticks=range(len(kinds)))
        left.set_xticklabels(found.phenomena, rotation=60, ha="right", fontsize=6)
        left.set_yticklabels(kinds, fontsize=7)
        left.grid(visible=False)
        left.figure.colorbar(image, ax=left, label="correlation")
        bins = np.linspace(-1, 1, 21)
        counts = np.array([np.histogram(one, bins)[0] for one in found.null])  # [R, 20]
        low, mean, high = np.quantile(counts, 0.025, axis=0), counts.mean(0), np.quantile(counts, 0.975, axis=0)
        right.stairs(high, bins, baseline=low, fill=True, color="0.85", label="random orders, 95 %")
        right.stairs(mean, bins, color="0.5", label="random orders, mean")
        right.stairs(np.histogram(found.r, bins)[0], bins, color="#1f4e9c", linewidth=1.5, label="this run")
        right.set(xlabel="correlation", ylabel="pairs of kind and phenomenon")
        right.legend(fontsize=7, bbox_to_anchor=(0.5, -0.16), loc="upper center")
    return path
