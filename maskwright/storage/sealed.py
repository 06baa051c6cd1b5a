"""JSON files that carry their own hash, and data files recorded by size and hash: any change is detected.

Why: a checkpoint or shard that was truncated, edited or half copied must be refused by name, not train a broken model.
Reading runs no code (no pickle), and names inside cannot point outside their folder.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .atomic import atomic_write

SEAL = "seal"
"""The key that holds the hash of all other entries."""


@dataclass
class File:
    """The recorded size and hash of a file."""

    bytes: int
    sha256: str


Files = dict[str, File]
"""File name to record."""


def write(path: Path, facts: Mapping[str, Any]) -> None:
    """Write `facts` to `path` atomically, with their hash."""
    plain = json.loads(json.dumps(facts))
    atomic_write(path, json.dumps(plain | {SEAL: _seal(plain)}, indent=1))


def read(path: Path, kind: Any, what: str) -> dict[str, Any]:
    """The facts in `path`, validated against the type `kind`; `what` describes the file in error messages.

    Raises ValueError when the file does not fit or was changed. Files without a seal come from an older version.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        TypeAdapter(kind).validate_python(facts)
    except (ValueError, RecursionError, FileNotFoundError, ValidationError):
        raise ValueError(f"{path} is not {what}") from None
    if facts.pop(SEAL, seal := _seal(facts)) != seal:
        raise ValueError(f"{path} was changed since it was written")
    return dict(facts)


def _seal(facts: Mapping[str, Any]) -> str:
    rest = {name: fact for name, fact in facts.items() if name != SEAL}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(path: Path) -> dict[str, Any]:
    """Size and hash of a file, as `damaged` compares them."""
    return {"bytes": path.stat().st_size, "sha256": file_hash(path)}


def damaged(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Names in `files` whose file in `folder` is missing or differs from its record."""
    for name, facts in files.items():
        path = folder / name
        inside = Path(name).name == name and path.is_file()  # a plain name: `../` in a manifest leads nowhere
        if not inside or path.stat().st_size != facts["bytes"] or file_hash(path) != facts["sha256"]:
            yield name
