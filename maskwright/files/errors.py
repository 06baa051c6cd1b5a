"""Messages about files: values are cut to the width of a screen, and notes are logged once."""

import logging
import reprlib
from collections.abc import Iterable
from functools import cache
from typing import Any

from .secrets import hide

WIDTH = 80
"""Characters of a value that a message shows."""


def cut(text: str, width: int = WIDTH) -> str:
    """`text` without secrets, cut to `width` with an ellipsis."""
    text = hide(text)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def short_repr(value: Any, width: int = WIDTH) -> str:
    """The repr of `value` without secrets, cut in depth and length."""
    writer = _Writer()
    writer.maxlevel, writer.maxstring, writer.maxother = 2, width, width
    return cut(writer.repr(value), width)


class _Writer(reprlib.Repr):
    """Hides secrets before a text is cut, when they would no longer be known."""

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(hide(x), level)


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
