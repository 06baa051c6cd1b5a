"""What a model that was trained by an objective can be asked: one table."""

from ...attention import BACKWARD, BOTH, FORWARD
from .objective import Objective


def named_from(objective: Objective) -> int | None:
    """How many positions before a hidden token a model trained by `objective` names it; none where it never does."""
    return next((shift for capability, shift in SHIFTS.items() if capability in objective.capabilities), None)


SHIFTS = {"unmask": 0, "mntp": 1}


BACKENDS = {"unmask": "mlm", "mntp": "mntp", "forward": "causal", "backward": "backward"}
"""Capability to the backend that takes it; the first that an objective has is its default."""


def fitting(objective: Objective) -> list[str]:
    """The backends that `objective` has the capabilities for, the most telling first."""
    return [name for capability, name in BACKENDS.items() if capability in objective.capabilities]


def reading(objective: Objective | None) -> tuple[int, str]:
    """The view in which a model reads, and the position that has seen everything then: the first or the last."""
    capabilities = objective.capabilities if objective else frozenset()
    if "forward" in capabilities and not capabilities & {"unmask", "mntp"}:
        return FORWARD, "last"
    return (BACKWARD, "first") if capabilities == {"backward"} else (BOTH, "first")
