"""Messages about files: values are cut to the width of a screen, and notes are logged once."""

import logging
import reprlib
from collections.abc import Iterable
from functools import cache
from typing import Any

WIDTH = 80
"""Characters of a value that a message shows."""


def cut(text: str, width: int = WIDTH) -> str:
    """`text`, cut to `width` with an ellipsis."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def short_repr(value: Any, width: int = WIDTH) -> str:
    """The repr of `value`, cut in depth and length."""
    writer = reprlib.Repr()
    writer.maxlevel, writer.maxstring, writer.maxother = 2, width, width
    return cut(writer.repr(value), width)


def listing(names: Iterable[Any]) -> str:
    """Comma-separated names, as many as a message can show."""
    return cut(", ".join(map(str, names)) or "nothing", 2 * WIDTH)


def kind_of(value: Any) -> str:
    """The kind of a JSON value in words."""
    return KINDS.get(type(value), type(value).__name__)


KINDS = {
    type(None): "null", dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number",
    float: "a number",
}  # fmt: skip


@cache
def note(sentence: str) -> None:
    """Log what was skipped, once per sentence even if a file is read twice."""
    logging.getLogger("maskwright").warning(sentence)
