"""The Dockerfile, without Docker: a linter has no complaint, and what it copies and runs is there."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILE = ROOT / "Dockerfile"
LINES = [line.split() for line in FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_a_linter_has_no_complaint() -> None:
    linter = shutil.which("hadolint", path=Path(sys.executable).parent) or shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed")
    found = subprocess.run([linter, "--no-color", FILE], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert found.returncode == 0


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = {name for kind, *names in LINES if kind == "COPY" for name in names[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert kept[0] == "*"
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == copied
    assert PROJECT["readme"] in copied


def test_what_is_installed_and_run_is_of_this_project() -> None:
    (entry,) = (line[1] for line in LINES if line[0] == "ENTRYPOINT")
    assert entry == f'["{next(iter(PROJECT["scripts"]))}"]'
    installed = next(word for line in LINES if line[0] == "RUN" for word in line if "[" in word)
    extras = installed.partition("[")[2].rstrip('"]').split(",")
    assert set(extras) <= PROJECT["optional-dependencies"].keys()
