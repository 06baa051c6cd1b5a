"""Runs side by side in the terminal."""

from collections.abc import Sequence

from ..elements.duration import clock
from ..elements.table import Table
from .runs import Watched

VALID = ("valid/masked/loss", "valid/forward/loss", "valid/loss")
"""The validation losses that are shown: the first that all runs have."""


def table(runs: Sequence[Watched]) -> Table:
    """A line for each run, with the difference of its validation loss to that of the first where both are of one exam.

    Below stands which exam that is, and why a run cannot be read.
    """
    sound = [run for run in runs if not run.fault]
    metric = next((name for name in VALID if all(run.last(name) is not None for run in sound)), VALID[-1])
    alike = metric != VALID[-1] or len({run.objective for run in sound}) < 2
    exam = f"{metric.removeprefix('valid/')}, nats per token" if alike else "the loss of each run's own objective"
    faults = [run.fault for run in runs if run.fault]
    shown = Table("run", caption="\n".join([f"validation: {exam}", *faults]), caption_justify="left")
    for name in ("step", "done", "loss", "validation", "vs. first", "tokens/s", "left", "silent for"):
        shown.add_column(name, justify="right")
    first = runs[0].last(metric) if alike else None
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
