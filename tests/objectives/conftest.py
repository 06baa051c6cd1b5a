"""Every objective of the folder, with its defaults or with the options that it has, as settings or live."""

from collections.abc import Callable

import pytest

from maskwright.objectives.base.contract import with_options
from maskwright.objectives.base.objective import Masked, Objective
from maskwright.settings import registry

from .live import live

EVERY = registry.names("objectives")
MASKED = [name for name in EVERY if issubclass(registry.load("objectives", name)[0], Masked)]


def make(name: str, **options: object) -> Objective:
    """The settings of the objective `name` with those of `options` that it has, or that an objective inside it has."""
    cls, preset = registry.load("objectives", name)
    return with_options(cls(**preset), options)


@pytest.fixture(params=EVERY)
def objective(request: pytest.FixtureRequest) -> Callable[..., Objective]:
    """Makes each objective in turn, live."""
    return lambda **options: live(make(request.param, **options))


@pytest.fixture(params=MASKED)
def masked(request: pytest.FixtureRequest) -> Callable[..., Masked]:
    """Makes each masking objective in turn, live."""
    return lambda **options: live(make(request.param, **options))
