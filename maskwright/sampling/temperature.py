"""A temperature that changes over the steps of a sampler."""

from typing import Annotated, Literal

from pydantic import Field

from ..settings import settings
from ..settings.schedule import SHAPES

Temperature = Annotated[float, Field(ge=0)]


@settings
class TemperatureRamp:
    """From `start` to `end` over the steps."""

    start: Temperature
    """The temperature of the first step."""
    end: Temperature
    """The temperature of the last step."""
    shape: Literal["linear", "cosine"] = "linear"
    """The shape of the change between them."""


def temperature_at(temperature: float | TemperatureRamp, progress: float) -> float:
    """The temperature at `progress`, the share of the steps that is done, in [0, 1]."""
    if isinstance(temperature, TemperatureRamp):
        return temperature.start + (temperature.end - temperature.start) * SHAPES[temperature.shape](progress)
    return temperature
