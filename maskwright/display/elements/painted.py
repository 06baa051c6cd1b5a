"""Text in colours, none of which ends within what is drawn as one character."""

import unicodedata
from collections.abc import Iterable

from rich.text import Text

JOINER = "\u200d"
"""Joins emoji to one (Unicode Standard Annex 29)."""
SKINS = range(0x1F3FB, 0x1F400)


def painted(parts: Iterable[tuple[str, str]]) -> Text:
    """Parts of a text with a style each, put together; marks that belong to the character before have its style."""
    found, begin = list(parts), 0
    whole = "".join(part for part, _ in found)
    text = Text(whole)
    for part, style in found:
        end = begin + len(part)
        text.stylize(style, _boundary(whole, begin), _boundary(whole, end))
        begin = end
    return text


def _boundary(text: str, place: int) -> int:
    """The first place from `place` on at which a character begins."""
    while 0 < place < len(text) and (text[place - 1] == JOINER or _extends(text[place])):
        place += 1
    return place


def _extends(sign: str) -> bool:
    return sign == JOINER or unicodedata.category(sign).startswith("M") or ord(sign) in SKINS
