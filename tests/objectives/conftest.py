"""Every objective of the folder, with its defaults or with the knobs that it has."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from maskwright.objectives.base.objective import Masked, Objective
from maskwright.settings import field_names, registry

from ..handmade import TEXT

EVERY = registry.names("objectives")
MASKED = [name for name in EVERY if issubclass(registry.load("objectives", name)[0], Masked)]


def make(name: str, **knobs: object) -> Objective:
    """The objective `name` with those of `knobs` that it has, or that an objective inside it has."""
    cls, preset = registry.load("objectives", name)
    made = turned(cls(**preset), knobs)
    if made.needs_text:
        made.meet(TEXT)
    return made


def turned(objective: Objective, knobs: dict[str, object]) -> Objective:
    """The objective with those of `knobs` that it or a part of it has."""
    parts = {knob: getattr(objective, knob) for knob in field_names(type(objective))}
    inside = {knob: turned(part, knobs) for knob, part in parts.items() if isinstance(part, Objective)}
    return replace(objective, **{knob: value for knob, value in knobs.items() if knob in parts}, **inside)


@pytest.fixture(params=EVERY)
def objective(request: pytest.FixtureRequest) -> Callable[..., Objective]:
    """Makes each objective in turn."""
    return lambda **knobs: make(request.param, **knobs)


@pytest.fixture(params=MASKED)
def masked(request: pytest.FixtureRequest) -> Callable[..., Masked]:
    """Makes each masking objective in turn."""
    return lambda **knobs: make(request.param, **knobs)
