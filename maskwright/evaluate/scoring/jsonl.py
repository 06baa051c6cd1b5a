"""The files of a suite: JSON lines, each an object with the fields that the suite needs."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...files.errors import KINDS, kind_of, listing, short_repr
from ...files.json_files import objects
from ...files.names import JSON_LINES, of_kind

Line = tuple[Path, int, dict[str, Any]]
"""A file, the number of a line in it (from 1) and the object in that line."""
Fields = Mapping[str, type | tuple[type, ...]]
"""Required fields and their types."""


def folder(data: Path | None, *names: str, kinds: tuple[str, ...] = JSON_LINES) -> Path:
    """The folder with a suite's files: `data` itself, or the first of `names` found in it, in its `full_eval` or in
    its `fast_eval`. Raises ValueError when `data` is None or has no such files.
    """
    if data is None:
        raise ValueError(f"evaluation data not found: pass --data FOLDER (with {names[0]})")
    above = [data, data / "full_eval", data / "fast_eval"]
    places = [data, *(path / name for path in above for name in names)]
    found = next((path for path in places if of_kind(path, *kinds)), None)
    if found is None:
        raise ValueError(f"{data} holds no *{kinds[0]}, nor does a folder {' or '.join(names)} in it")
    return found


def read(place: Path, fields: Fields) -> Iterator[Line]:
    """Every line of a file, or of all such files in a folder.

    Raises ValueError, with file and line, when a field is missing, null, empty or of another type.
    """
    files: Iterable[Path] = of_kind(place, *JSON_LINES) if place.is_dir() else [place]
    for path in files:
        for number, found in objects(path):
            check(found, fields, f"{path}:{number}")
            yield path, number, found


def check(found: Mapping[str, Any], fields: Fields, where: str) -> None:
    """Raises ValueError, which begins with `where`, unless `found` has the fields with the right types."""
    for field, kind in fields.items():
        if field not in found:
            raise ValueError(f"{where}: no field {field!r}: there is {listing(map(repr, found))}")
        value = found[field]
        if _blank(value) or isinstance(value, bool) or not isinstance(value, kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            wanted = " or ".join(dict.fromkeys(KINDS[one] for one in kinds))
            raise ValueError(f"{where}: {field} is {_given(value)}: give {wanted}")


def _given(value: Any) -> str:
    if value is None or _blank(value):
        return "null" if value is None else "empty"
    return f"{kind_of(value)} ({short_repr(value, 40)})"


def _blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()
