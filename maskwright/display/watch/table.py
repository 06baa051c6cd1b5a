"""Runs side by side in the terminal."""

from collections.abc import Sequence

from ..elements.duration import clock
from ..elements.table import Table
from .runs import Watched

VALID = ("valid/masked/loss", "valid/forward/loss", "valid/loss")
"""The validation losses that are shown: the first that all runs have."""


def table(runs: Sequence[Watched]) -> Table:
    """A line for each run; the last column is the difference of its validation loss to that of the first."""
    metric = next((name for name in VALID if all(run.last(name) is not None for run in runs)), VALID[-1])
    shown = Table("run", caption=f"validation: {metric.removeprefix('valid/')}, nats per token", caption_justify="left")
    for name in ("step", "done", "loss", "validation", "vs. first", "tokens/s", "left", "silent for"):
        shown.add_column(name, justify="right")
    first = runs[0].last(metric)
    for run in runs:
        valid, left = run.last(metric), run.left
        shown.add_row(
            run.name, _number(run.last("step"), ",.0f"), _number(run.done, ".0%"), _number(run.last("loss"), ".3f"),
            _number(valid, ".3f"), _number(None if valid is None or first is None else valid - first, "+.3f"),
            _number(run.last("tokens_per_second"), ",.0f"), "" if left is None else clock(left), run.says,
        )  # fmt: skip
    return shown


def _number(value: float | None, form: str) -> str:
    return "" if value is None or value != value else format(value, form)
