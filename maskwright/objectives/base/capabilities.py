"""What a model can predict after training with an objective: one table."""

from dataclasses import dataclass

from ...attention import BACKWARD, BOTH, FORWARD
from .objective import Objective


@dataclass(frozen=True)
class Capability:
    """Something that a model can predict."""

    predicts: str
    """What, in words."""
    backend: str = ""
    """The scoring backend that uses it; empty where there is none."""
    mask_shift: int | None = None
    """How many positions before a masked token it is predicted; None where no masked tokens are predicted."""


CAPABILITIES = {
    "unmask": Capability("a masked token, from both sides", "mlm", 0),
    "mntp": Capability("a masked token, at the position before it", "mntp", 1),
    "unmask_blocks": Capability("a masked token, from its block and all before"),
    "denoise": Capability("the token behind one that may be random, from all others"),
    "forward": Capability("the next token", "causal"),
    "backward": Capability("the previous token", "backward"),
    "detect": Capability("whether a token is corrupted"),
}
"""By name. The default backend of an objective is that of its first capability here that has one."""

MASK_SHIFTS = {name: one.mask_shift for name, one in CAPABILITIES.items() if one.mask_shift is not None}
"""The shifts of those capabilities that predict masked tokens."""


def mask_shift(objective: Objective) -> int | None:
    """How many positions before a masked token a model trained by `objective` predicts it; None where it does not."""
    return next((shift for name, shift in MASK_SHIFTS.items() if name in objective.capabilities), None)


def backends(objective: Objective) -> list[str]:
    """The scoring backends for a model trained by `objective`, its default first."""
    found = (one.backend for name, one in CAPABILITIES.items() if name in objective.capabilities)
    return [name for name in found if name]


def predicted(objective: Objective) -> list[str]:
    """What a model trained by `objective` predicts, in words."""
    return [one.predicts for name, one in CAPABILITIES.items() if name in objective.capabilities]


def reading_direction(objective: Objective | None) -> tuple[int, str]:
    """The view in which a model reads a text, and the position that then attends to all of it: first or last."""
    capabilities = objective.capabilities if objective else frozenset()
    if "forward" in capabilities and not capabilities & MASK_SHIFTS.keys():
        return FORWARD, "last"
    return (BACKWARD, "first") if capabilities == {"backward"} else (BOTH, "first")
