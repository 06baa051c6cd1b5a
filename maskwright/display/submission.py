"""A BabyLM submission for the terminal: its scores as the leaderboard shows them, what it lacks, and its curves."""

from rich.console import Group, RenderableType

from ..evaluate.babylm.collate import Submission
from ..evaluate.babylm.tasks import GLUE, TASKS
from .elements.table import Table

READING = ("rt", "spr")
COLUMNS = [name for task in TASKS for name in (READING if task.suite == "reading" else [task.column])] + ["aoa", *GLUE]
"""The columns of the leaderboard."""


def overall(made: Submission) -> float:
    """The mean over the columns, in which one that is missing counts 0."""
    return sum(made.columns.get(name, 0.0) for name in COLUMNS) / len(COLUMNS)


def shown(made: Submission) -> RenderableType:
    """The scores, and beneath them those of the checkpoints."""
    table = Table("task")
    table.add_column("score", justify="right")
    for name in COLUMNS:
        table.add_row(name, f"{made.columns[name]:.4f}" if name in made.columns else "missing")
    table.add_row(f"mean of {len(COLUMNS)}, missing 0", f"{overall(made):.4f}")
    curves = Table("checkpoint", *made.curves)
    for name, *row in zip(made.checkpoints, *made.curves.values(), strict=True):
        curves.add_row(name, *("null" if score is None else f"{score:.4f}" for score in row))
    return Group(table, curves)


def notes(made: Submission) -> list[str]:
    """What a reader of the file has to know, a sentence each."""
    known = [score for score in made.curves.get("ewok", []) if score is not None]
    if not known:
        return []
    fault = "the official program compares whole texts with the target alone, so fast ewok is 0 in the file"
    return [f"{fault}; as it is meant it is {min(known):.4f} to {max(known):.4f}, as above"]
