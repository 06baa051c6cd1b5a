"""Every objective of the folder, with its defaults or with the knobs that it has."""

from collections.abc import Callable

import pytest

from maskwright import folder
from maskwright.config import known
from maskwright.objective import Masked, Objective

EVERY = folder.names("objectives")
MASKED = [name for name in EVERY if issubclass(folder.load("objectives", name)[0], Masked)]


def make(name: str, **knobs: object) -> Objective:
    """The objective `name` with those of `knobs` that it has."""
    cls, preset = folder.load("objectives", name)
    return cls(**preset, **{knob: value for knob, value in knobs.items() if knob in known(cls)})


@pytest.fixture(params=EVERY)
def objective(request: pytest.FixtureRequest) -> Callable[..., Objective]:
    """Makes each objective in turn."""
    return lambda **knobs: make(request.param, **knobs)


@pytest.fixture(params=MASKED)
def masked(request: pytest.FixtureRequest) -> Callable[..., Masked]:
    """Makes each masking objective in turn."""
    return lambda **knobs: make(request.param, **knobs)
