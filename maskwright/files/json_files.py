"""JSON files: one value, or one object per line."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import names, text
from .errors import cut, kind_of, short_repr

BETWEEN = re.compile(r"[\s,]*")
HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape that may be half a character, which no UTF-8 can hold."""


def read_json(path: Path) -> Any:
    """The value in a file. Raises ValueError with file and line when it is not JSON, or has a key twice."""
    return parse_json(text.read_text(path), str(path), once=True)


def read_object(path: Path) -> dict[str, Any]:
    """The object in a file. Raises ValueError when the file holds something else."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds {kind_of(found)}, not an object")
    return found


def objects(path: Path, errors: text.Errors = "strict") -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number (from 1) and object: one per line, or in a `.json` also an array of objects over any lines.

    Raises ValueError, with file and line, for anything else. With `errors` of `replace` a text may hold half a
    character (a lone surrogate).
    """
    for number, value in _values(path, errors):
        if not isinstance(value, dict):
            raise ValueError(f"{path}:{number}: a JSON object belongs here, not {short_repr(value)}")
        yield number, value


def _values(path: Path, errors: text.Errors) -> Iterator[tuple[int, Any]]:
    if names.kind(path) == ".json" and not _one_a_line(path, errors):
        yield from _items("".join(text.blocks(path, errors)), path, errors)
        return
    for number, line in text.lines(path, errors):
        line = line.removeprefix("\ufeff")  # from concatenated files with byte order marks
        if line.strip():
            yield number, parse_json(line, f"{path}:{number}", errors)


def _one_a_line(path: Path, errors: text.Errors) -> bool:
    """Whether the first line is an object."""
    first = next((line for _, line in text.lines(path, errors) if line.strip()), "{}")
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _items(source: str, path: Path, errors: text.Errors) -> Iterator[tuple[int, Any]]:
    """The values of an array, or a single value."""
    whole = parse_json(source, str(path), errors)
    if not isinstance(whole, list):
        yield 1, whole
        return
    end = source.index("[") + 1
    line = 1 + source.count("\n", 0, end)
    for value in whole:
        begin = _match_end(source, end)
        line += source.count("\n", end, begin)
        yield line, value
        _, after = json.JSONDecoder().raw_decode(source, begin)
        line, end = line + source.count("\n", begin, after), after


def _match_end(source: str, place: int) -> int:
    found = BETWEEN.match(source, place)
    assert found is not None
    return found.end()


def parse_json(source: str, where: str, errors: text.Errors = "strict", once: bool = False) -> Any:
    """A value from its JSON. Raises ValueError that begins with `where`, a file or a line in it.

    once: refuse an object that has a key twice, of which JSON would keep the last.
    """
    try:
        value = json.loads(source, object_pairs_hook=_once if once else None)
    except json.JSONDecodeError as error:
        line = f" in line {error.lineno}" if "\n" in source.strip() else ""
        near = source[max(error.pos - error.colno + 1, error.pos - 20) : error.pos + 20].partition("\n")[0].strip()
        raise ValueError(f"{where} is not JSON: {error.msg}{line} at column {error.colno}, near {near!r}") from None
    except RecursionError:
        raise ValueError(f"{where} is JSON that is nested too deeply") from None
    except ValueError as error:  # a key twice, or a number with more digits than Python converts
        raise ValueError(f"{where} cannot be read: {cut(str(error))}") from None
    if errors == "strict" and HALF.search(source):
        _check_characters(value, where)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {short_repr(twice)} occurs twice in one object: keep one")
    return found


def _check_characters(value: Any, where: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where} holds half a character (a lone surrogate); errors=replace reads on") from None
