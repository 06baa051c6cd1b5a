"""Drawings in pages."""

from pathlib import Path

from ...files.text import read_text


def embedded(path: Path) -> str:
    """The element in an SVG file, to stand in a page, without what XML has before it."""
    whole = read_text(path)
    return whole[whole.index("<svg") :]
