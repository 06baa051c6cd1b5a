"""What benchmarks are written with is still there: a name that moved is found here and not by whoever runs one."""

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", ["benchmark"])


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_a_benchmark_can_be_imported(name: str, importable) -> None:
    assert importlib.import_module(name).main


def test_every_fusion_that_is_timed_can_be_configured(importable) -> None:
    nhot = importlib.import_module("nhot")
    fusions = {fusion: nhot.configured(fusion).model.nhot for fusion in [nhot.WITHOUT, *nhot.FUSIONS]}
    assert fusions.pop(nhot.WITHOUT) is None
    assert {fusion: found.fusion for fusion, found in fusions.items()} == {fusion: fusion for fusion in nhot.FUSIONS}
