"""What a live objective with state adds to its settings class: `class LiveAdaptive(Stateful, Adaptive)`."""

import logging
from dataclasses import fields
from typing import Any

from ...settings.registry import name_of
from .objective import Objective

logger = logging.getLogger("maskwright.objectives")
"""Warnings about what an objective has learned; a run shows them in its log."""


class Stateful:
    """Keeps the settings beside the state. List it before the settings class, and set the state after `__init__`."""

    settings: Any = None

    def __init__(self, settings: Objective):
        super().__init__(**{field.name: getattr(settings, field.name) for field in fields(settings)})
        self.settings = settings


def unbuilt(objective: Objective) -> ValueError:
    """What settings raise where only the live objective, which has state, can answer."""
    name = name_of(objective)
    return ValueError(f"objective {name} has state: build it on a text first, {name}.build(shards, seed)")
