"""Facts in JSON that know their own hash, and files that are known by size and hash: what was changed is refused.

Reading them runs no code, and no name in them leads out of their folder.
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
"""The key of the hash of everything else."""


@dataclass
class File:
    """How a file is known."""

    bytes: int
    sha256: str


Files = dict[str, File]
"""By name."""


def write(path: Path, facts: Mapping[str, Any]) -> None:
    """Write `facts` whole, sealed."""
    plain = json.loads(json.dumps(facts))
    atomic_write(path, json.dumps(plain | {SEAL: _seal(plain)}, indent=1))


def read(path: Path, kind: Any, what: str) -> dict[str, Any]:
    """The facts in `path`, which is `what` and fits the type `kind`.

    Raises ValueError when it is not, or when they were changed. Facts without a seal are of an older version.
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
    """The size and the hash of a file, as `damaged` compares them."""
    return {"bytes": path.stat().st_size, "sha256": file_hash(path)}


def damaged(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The names among `files` that are not in `folder` as they are known."""
    for name, facts in files.items():
        path = folder / name
        inside = Path(name).name == name and path.is_file()
        if not inside or path.stat().st_size != facts["bytes"] or file_hash(path) != facts["sha256"]:
            yield name
