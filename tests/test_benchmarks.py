"""What benchmarks are written with is still there: a name that moved is found here and not by whoever runs one."""

import importlib
import sys
from pathlib import Path

import pytest

from maskwright.text.tokenizers.tokenizer import TokenizerSettings

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", ["benchmark"])


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_a_benchmark_can_be_imported(name: str, importable) -> None:
    assert importlib.import_module(name).main


def test_a_race_is_run_to_its_end(importable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    race, text = importlib.import_module("time_to_loss"), importlib.import_module("race.text")
    monkeypatch.setattr(text, "VOCABULARY", TokenizerSettings(kind="bpe", size=300))
    monkeypatch.setenv("MASKWRIGHT_DATA", str(tmp_path))
    for part in ("train", "valid"):
        (tmp_path / "minibaby" / part).mkdir(parents=True)
        (tmp_path / "minibaby" / part / "text.txt").write_text(f"A {part} race is run to its end.\n" * 400)
    sizes = {"layers": 1, "hidden": 32, "heads": 2, "intermediate": 48}
    curve = race.SIDES["ours"].race(text.Text(), sizes, 0.001, 2048, 512, 1024)
    assert curve.tokens == [1024, 2048]
    assert len(curve.loss) == len(curve.core_seconds) == 2


def test_every_fusion_that_is_timed_can_be_configured(importable) -> None:
    nhot = importlib.import_module("nhot")
    fusions = {fusion: nhot.configured(fusion).model.nhot for fusion in [nhot.WITHOUT, *nhot.FUSIONS]}
    assert fusions.pop(nhot.WITHOUT) is None
    assert {fusion: found.fusion for fusion, found in fusions.items()} == {fusion: fusion for fusion in nhot.FUSIONS}
