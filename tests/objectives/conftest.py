"""Every objective of the folder, with its defaults or with the knobs that it has."""

from collections.abc import Callable

import pytest

from maskwright.objectives.base.contract import maker
from maskwright.objectives.base.objective import Masked, Objective
from maskwright.settings import registry

from ..handmade import TEXT

EVERY = registry.names("objectives")
MASKED = [name for name in EVERY if issubclass(registry.load("objectives", name)[0], Masked)]


def make(name: str, **options: object) -> Objective:
    """The objective `name` with those of `options` that it has, or that an objective inside it has."""
    cls, preset = registry.load("objectives", name)
    return maker(cls(**preset), TEXT)(**options)


@pytest.fixture(params=EVERY)
def objective(request: pytest.FixtureRequest) -> Callable[..., Objective]:
    """Makes each objective in turn."""
    return lambda **knobs: make(request.param, **knobs)


@pytest.fixture(params=MASKED)
def masked(request: pytest.FixtureRequest) -> Callable[..., Masked]:
    """Makes each masking objective in turn."""
    return lambda **knobs: make(request.param, **knobs)
