"""The files of a suite: a JSON object a line, each with the fields that the suite needs."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Line = tuple[Path, int, dict[str, Any]]
"""A file, the number of a line in it (from 1) and what stands there."""


def folder(data: Path | None, *names: str, pattern: str = "*.jsonl") -> Path:
    """The folder with a suite's files: `data` itself, or the first of `names` that is there, in it or in its
    `full_eval` or `fast_eval`.

    Raises ValueError when it is not said or holds no such files.
    """
    if data is None:
        raise ValueError(f"this suite brings no questions: say where they are, --data FOLDER (with {names[0]})")
    above = [data, data / "full_eval", data / "fast_eval"]
    places = [data, *(path / name for path in above for name in names)]
    found = next((path for path in places if any(path.glob(pattern))), None)
    if found is None:
        raise ValueError(f"{data} holds no {pattern}, nor does a folder {' or '.join(names)} in it")
    return found


def read(files: Iterator[Path] | list[Path], fields: Mapping[str, type | tuple[type, ...]]) -> Iterator[Line]:
    """Every line of `files`. Raises ValueError, with file and line, when a field is missing or of another type."""
    for path in files:
        with path.open(encoding="utf-8") as lines:
            for number, text in enumerate(lines, 1):
                if text.strip():
                    yield path, number, _checked(path, number, text, fields)


def _checked(path: Path, number: int, text: str, fields: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{path}:{number}: a line is a JSON object, not {text.strip()[:40]!r}")
    for field, kind in fields.items():
        if field not in found:
            raise ValueError(f"{path}:{number}: no field {field!r}: there is {', '.join(map(repr, found)) or 'none'}")
        if not isinstance(found[field], kind) or found[field] == "":
            raise ValueError(f"{path}:{number}: {field}={found[field]!r} is not what the field holds")
    return found
