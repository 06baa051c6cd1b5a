"""What a model that was trained by an objective can be asked: one table."""

from dataclasses import dataclass

from ...attention import BACKWARD, BOTH, FORWARD
from .objective import Objective


@dataclass(frozen=True)
class Capability:
    """Something that a model can be asked to predict."""

    predicts: str
    """What, in words."""
    backend: str = ""
    """The scoring backend that asks for it; empty where there is none."""
    mask_shift: int | None = None
    """How many positions before a hidden token it is predicted; none where no hidden tokens are."""


CAPABILITIES = {
    "unmask": Capability("a hidden token, from both sides", "mlm", 0),
    "mntp": Capability("a hidden token, at the position before it", "mntp", 1),
    "forward": Capability("the next token", "causal"),
    "backward": Capability("the previous token", "backward"),
    "detect": Capability("whether a token is corrupted"),
}
"""By name; the first with a backend that an objective has gives its default backend."""

MASK_SHIFTS = {name: one.mask_shift for name, one in CAPABILITIES.items() if one.mask_shift is not None}
"""Of the capabilities that predict hidden tokens."""


def mask_shift(objective: Objective) -> int | None:
    """How many positions before a hidden token a model trained by `objective` predicts it; none where it never does."""
    return next((shift for name, shift in MASK_SHIFTS.items() if name in objective.capabilities), None)


def backends(objective: Objective) -> list[str]:
    """The scoring backends for a model trained by `objective`, its default first."""
    found = (one.backend for name, one in CAPABILITIES.items() if name in objective.capabilities)
    return [name for name in found if name]


def reading_direction(objective: Objective | None) -> tuple[int, str]:
    """The view in which a model reads a text, and the position that has then seen all of it: the first or the last."""
    capabilities = objective.capabilities if objective else frozenset()
    if "forward" in capabilities and not capabilities & MASK_SHIFTS.keys():
        return FORWARD, "last"
    return (BACKWARD, "first") if capabilities == {"backward"} else (BOTH, "first")
