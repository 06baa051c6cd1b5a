"""What differs between arms, as a matrix of settings (knobs) and arms."""

from collections.abc import Sequence
from typing import Any

from ..run.resume import leaves
from .experiments import Arm

ABSENT = object()
"""Of an arm that has no such setting."""
Matrix = dict[str, list[Any]]
"""The value of each arm, in order, by the setting's name."""


def knobs(arms: Sequence[Arm]) -> tuple[Matrix, Matrix]:
    """The settings that differ: those that all arms have or an arm's changes name, and those that come with another
    class, as an objective's own."""
    trees = [dict(leaves(arm.config.tree())) for arm in arms]
    names = dict.fromkeys(name for tree in trees for name in tree)
    rows = {name: [tree.get(name, ABSENT) for tree in trees] for name in names}
    differing = {name: row for name, row in rows.items() if any(value != row[0] for value in row)}
    written = tuple(change.partition("=")[0] for arm in arms for change in arm.changes)

    def is_knob(name: str) -> bool:
        return ABSENT not in differing[name] or any(name == key or name.startswith(f"{key}.") for key in written)

    shared = {name: row for name, row in differing.items() if is_knob(name)}
    return shared, {name: row for name, row in differing.items() if name not in shared}
