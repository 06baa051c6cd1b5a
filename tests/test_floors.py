"""The lowest versions that pyproject.toml allows are those that `make test-lowest` installs."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
FLOORS = {
    canonicalize_name(found.name): Version(next(iter(found.specifier)).version)
    for found in map(Requirement, [*PROJECT["dependencies"], *EXTRAS["hub"], *EXTRAS["serve"], *EXTRAS["s3"]])
}
PINS = {
    canonicalize_name(found.name): Version(next(iter(found.specifier)).version)
    for found in map(Requirement, (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()[1:])
}


@pytest.mark.parametrize("name", FLOORS)
def test_the_lowest_version_is_tested(name: str) -> None:
    floor = FLOORS[name].release
    assert PINS[name].release[: len(floor)] == floor
