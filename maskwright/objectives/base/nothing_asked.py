"""What to say where an objective asked nothing: which of its own settings would make it ask."""

from collections.abc import Iterator

from ...settings import field_names
from ...settings.registry import name_of
from .objective import Objective


def nothing_asked(objective: Objective, where: str) -> str:
    """A sentence: that `objective` asked nothing in `where`, such as "3 steps", and what would be right."""
    name, advice = name_of(objective.settings), list(_more(objective, "objective"))
    return f"{name} asked nothing in {where}: " + (
        " or ".join(advice) or "give texts with more than one token, in rows of more than one"
    )


def _more(objective: Objective, path: str) -> Iterator[str]:
    """The settings by which it, or an objective inside it, would ask more."""
    if "ratio" in field_names(type(objective.settings)):
        yield f"raise {path}.ratio"
    if not getattr(objective, "at_least_one", True):
        yield f"set {path}.at_least_one=true"
    for name, part in objective.sub_objectives.items():
        yield from _more(part, f"{path}.{name}")
