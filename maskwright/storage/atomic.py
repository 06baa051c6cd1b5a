"""Files and folders that are whole or not there: written aside, synced to the disk, renamed."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors.torch


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes `folder`, whole and on the disk, when the block ends well.

    Raises ValueError when the disk is full; what was there before stays.
    """
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        yield aside
        _sync(aside)
        if folder.exists():
            folder.rename(aside.with_suffix(".old"))
        aside.rename(folder)
        _sync_one(folder.parent)
        shutil.rmtree(aside.with_suffix(".old"), ignore_errors=True)
    except (OSError, safetensors.SafetensorError) as error:
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
"""What a disk says that takes no more: it is full, a quota is, or a file may not grow."""


def atomic_write(path: Path, text: str) -> None:
    """Write `text` so that `path` is never seen half written, not even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
