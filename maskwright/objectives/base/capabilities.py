"""What a model that was trained by an objective can be asked: one table."""

from ...attention import BACKWARD, BOTH, FORWARD
from .objective import Objective


def named_from(objective: Objective) -> int | None:
    """How many positions before a hidden token a model trained by `objective` names it; none where it never does."""
    return next((shift for skill, shift in SHIFTS.items() if skill in objective.skills), None)


SHIFTS = {"unmask": 0, "unmask_before": 1}


SKILLS = {"unmask": "mlm", "unmask_before": "mntp", "forward": "causal", "backward": "backward"}
"""Skill to the backend that takes it; the first that an objective has is its default."""


def fitting(objective: Objective) -> list[str]:
    """The backends that `objective` has the skills for, the most telling first."""
    return [name for skill, name in SKILLS.items() if skill in objective.skills]


def reading(objective: Objective | None) -> tuple[int, str]:
    """The view in which a model reads, and the position that has seen everything then: the first or the last."""
    skills = objective.skills if objective else frozenset()
    if "forward" in skills and not skills & {"unmask", "unmask_before"}:
        return FORWARD, "last"
    return (BACKWARD, "first") if skills == {"backward"} else (BOTH, "first")
