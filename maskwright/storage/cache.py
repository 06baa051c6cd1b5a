"""The user's cache folder: its location, content-based names, locks between processes, and folders made once.

Whatever is cached is written aside, sealed and renamed; when it was damaged since, it is made anew and that is said.
"""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import sealed
from .atomic import atomic_folder

logger = logging.getLogger("maskwright")
SEAL = "seal.json"


@dataclass
class _Seal:
    files: sealed.Files


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/maskwright`, or `~/.cache/maskwright`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maskwright"


def key(*parts: Any) -> str:
    """16 hexadecimal digits that depend on all of the JSON-serialisable `parts`."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock next to `path`. The operating system releases it when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """`folder`, which `make` fills when it is not there or damaged; concurrent processes wait for the one that does."""
    with file_lock(folder):
        if not _intact(folder):
            with atomic_folder(folder) as aside:
                make(aside)
                files = {path.name: sealed.fingerprint(path) for path in sorted(aside.iterdir())}
                sealed.write(aside / SEAL, {"files": files})
    return folder


def _intact(folder: Path) -> bool:
    if not (folder / SEAL).exists():
        return False
    try:
        facts = sealed.read(folder / SEAL, _Seal, "the seal of a cached folder")
        bad = next(sealed.damaged(folder, facts["files"]), None)
        harm = f"{folder / bad} was changed since it was written" if bad else ""
    except ValueError as error:
        harm = str(error)
    if harm:
        say_remade(harm)
    return not harm


def say_remade(harm: str) -> None:
    """Warn that something in the cache was damaged, as `harm` says, and is made anew."""
    logger.warning(f"{harm}: it is made anew")
