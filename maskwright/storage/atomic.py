"""Atomic writes: a file or folder is complete or absent. Written aside, synced to disk, renamed.

A kill or a power cut at any moment leaves either the old content or the new, never a mixture.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes `folder`, complete and on disk, when the block ends without an error.

    Raises ValueError when the disk is full; the previous content stays.
    """
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        yield aside
        _sync(aside)
        if folder.exists():
            folder.rename(aside.with_suffix(".old"))  # a folder cannot be renamed onto one that has content
        aside.rename(folder)
        _sync_one(folder.parent)  # the rename itself is on disk only when the parent folder is
        shutil.rmtree(aside.with_suffix(".old"), ignore_errors=True)
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) not in FULL and not any(f"os error {code})" in str(error) for code in FULL):
            raise
        raise ValueError(f"the disk is full: {folder} could not be written; make room and resume the run") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync_one(path)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Error codes of a disk that takes no more data: full, over quota, or file too large."""


def check_writable(path: Path) -> None:
    """Raises ValueError when `path` can be neither written nor made: asked before what takes long to compute."""
    place = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not os.access(place, os.W_OK):
        raise ValueError(f"{path} cannot be written: {place} is read-only; choose another place, or work on a copy")


def atomic_write(path: Path, content: str | bytes) -> None:
    """Write `content`, text in UTF-8, to `path` so that no reader ever sees a partial file, not even after a power cut.

    Raises OSError, with the name of the file, when it cannot be written; the previous content stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        error.filename = str(path)
        raise
