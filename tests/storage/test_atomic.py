"""What stands on the disk is the old or the new, and a full disk is said with the name of the file."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maskwright.cli.app import _sentence
from maskwright.evaluate.suites._evaluate import _save
from maskwright.storage.arrays import write_arrays
from maskwright.storage.atomic import atomic_write

WRITERS: list[Callable[[Path, int], object]] = [
    lambda folder, number: atomic_write(folder / "facts.json", json.dumps({"number": number})),
    lambda folder, number: write_arrays(folder / "arrays.npz", number=np.array([number])),
    lambda folder, number: _save("blimp", folder, None, [], {"number": number}, ""),
]


def full(handle: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable) -> None:
    write(tmp_path, 1)
    (path,) = (found for found in tmp_path.rglob("*") if found.is_file())
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as refused:
        write(tmp_path, 2)
    assert path.read_bytes() == before
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]
    assert _sentence(refused.value) == (
        f"the disk is full: {path} could not be written; make room and run the command again"
    )
