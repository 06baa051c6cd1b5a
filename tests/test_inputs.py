"""The first inputs of each kind that `benchmarks/fuzz.py` makes: taken as they stand, or refused in one sentence."""

import logging
from importlib import import_module
from pathlib import Path
from random import Random

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
MANY = {"configs": 30, "corpora": 100, "requests": 20, "suites": 12, "tables": 200, "vocabularies": 60}
"""Inputs of a kind that come to half a second."""


@pytest.mark.parametrize("kind", MANY)
def test_the_first_inputs_of_a_kind(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    attempt, taken = import_module(f"faults.{kind}").attempt, []
    for number in range(MANY[kind]):
        (folder := tmp_path / str(number)).mkdir()
        taken.append(attempt(Random(f"{kind}/{number}"), folder))
    assert len(set(taken)) == 2, "all were taken, or all refused"


def test_a_failing_input_is_kept_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    fuzz = import_module("fuzz")

    def attempt(chance: Random, folder: Path) -> bool:
        (folder / "text.txt").write_text(str(chance.random()))
        raise KeyError("found")

    monkeypatch.setattr(import_module("faults.tables"), "attempt", attempt)
    found = fuzz.fuzz(["tables"], 1, 7, 2, tmp_path)
    assert found["tables"]["failed"] == 2
    assert found["tables"]["ours"] == 0
    assert (tmp_path / "tables-7/text.txt").read_text() == str(Random("tables/7").random())
    assert (
        "python benchmarks/fuzz.py --kinds tables --first 7 --inputs 1" in (tmp_path / "tables-7/error.txt").read_text()
    )
