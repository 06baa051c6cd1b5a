"""Check that tokenized text is unchanged: sizes every time, hashes once whenever a file was modified.

Hashing 100 M tokens takes seconds; a stamp in the cache, keyed by modification times, makes opening instant.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...storage import sealed
from ...storage.cache import cache_folder, key
from .layout import FORMAT, data_files

WHAT = f"a manifest of tokenized text in format {FORMAT}"


@dataclass
class _Known:
    sha256: str
    size: int


@dataclass
class _Named:
    name: str


@dataclass
class _Manifest:
    format: Literal[1]
    key: str
    fingerprint: str
    tokenizer: _Known
    splits: dict[str, dict[str, int]]
    domains: list[_Named]
    validation: dict[str, Any]
    files: sealed.Files

    def __post_init__(self) -> None:
        if set(self.files) != set(data_files()):
            raise ValueError("other files")


def manifest(path: Path) -> dict[str, Any]:
    """The content of a manifest. Raises ValueError when it is not one, or was changed."""
    return sealed.read(path, _Manifest, WHAT)


def check(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    """Raises ValueError when a file in `folder` was changed."""
    for name, facts in files.items():
        path, wanted = folder / name, facts["bytes"]
        found = path.stat().st_size if path.exists() else None
        if found != wanted:
            raise ValueError(f"{path} has {found or 'no'} bytes where {wanted} belong: tokenize anew")
    if not _stamp(folder, files).exists():
        verify(folder, files)
        trust(folder, files)


def verify(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    """Hash every file. Raises ValueError when one was changed."""
    for name in sealed.damaged(folder, files):
        raise ValueError(f"{folder / name} was changed since it was written: tokenize anew")


def trust(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    """Record that the hashes were correct, valid until a file is modified."""
    stamp = _stamp(folder, files)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()


def _stamp(folder: Path, files: dict[str, dict[str, Any]]) -> Path:
    touched = [(folder / name).stat().st_mtime_ns for name in files]
    return cache_folder() / "verified" / key(str(folder.resolve()), files, touched)
