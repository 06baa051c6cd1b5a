"""The user's cache: where it is, names made of what is cached, and one process at a time.

A cached thing is written beside its place and renamed, so that whatever is found there is whole.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/maskwright`, or `~/.cache/maskwright`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maskwright"


def key(*parts: Any) -> str:
    """16 hexadecimal digits that change when any of the JSON-able `parts` does."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Wait until no other process is inside `file_lock(path)`; a killed process is not inside any more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
