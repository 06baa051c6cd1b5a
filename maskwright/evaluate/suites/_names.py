"""A knob that holds names, written with commas or as a list."""

from typing import Annotated

from pydantic import BeforeValidator


def _split(value: object) -> object:
    return tuple(value.split(",")) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
