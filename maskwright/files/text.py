"""Text files, optionally compressed: UTF-8 unless there is a byte order mark. Only `\\n` and `\\r\\n` end a line."""

import codecs
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

from . import compression

Errors = Literal["strict", "replace"]
"""For bytes that are not UTF-8: raise an error, or replace them by U+FFFD."""

MARKS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
"""Byte order marks and their encodings; UTF-32 first, because its mark begins with that of UTF-16."""


def read_text(path: Path) -> str:
    """The whole text. Raises ValueError as `blocks` does."""
    return "".join(blocks(path))


def lines(path: Path, errors: Errors = "strict") -> Iterator[tuple[int, str]]:
    """Line number (from 1) and line without its end. Raises ValueError as `blocks` does."""
    number, parts = 1, [""]
    for block in blocks(path, errors):
        first, *others = block.split("\n")
        parts.append(first)
        for line in others:
            yield number, "".join(parts)
            number, parts = number + 1, [line]
    if any(parts):
        yield number, "".join(parts)


def blocks(path: Path, errors: Errors = "strict") -> Iterator[str]:
    """The text in blocks of about a megabyte, each line ended by `\\n`.

    Raises ValueError when the file is damaged or missing, and with line and position of bytes that are not UTF-8.
    """
    decoder, rest, position, line = None, "", 0, 1
    for block in chain(compression.blocks(path), [b""]):
        decoder = decoder or codecs.getincrementaldecoder(_encoding(block))(errors)
        position += len(block)
        try:
            text = rest + decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise ValueError(_undecodable(path, error, position, line)) from None
        rest = "\r" if block and text.endswith("\r") else ""
        text = text.removesuffix(rest).replace("\r\n", "\n")
        line += text.count("\n")
        yield text


def _encoding(head: bytes) -> str:
    return next((encoding for mark, encoding in MARKS.items() if head.startswith(mark)), "utf-8-sig")


def _undecodable(path: Path, error: UnicodeDecodeError, end: int, line: int) -> str:
    """The error message; `end` is the position where the bytes of the error end, `line` the line where they begin."""
    encoding = error.encoding.removesuffix("-sig").upper()
    at, line = end - len(error.object) + error.start, line + error.object.count(b"\n", 0, error.start)
    byte = f"byte {error.object[error.start]:#04x} at position {at}, in line {line}"
    return f"{path} is not {encoding}: {byte}; save it as UTF-8, or read a corpus with errors=replace"
