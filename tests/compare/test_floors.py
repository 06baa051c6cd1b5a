"""Floors stand beside scores, and an arm that is not better than one is said to be below it."""

import json
from pathlib import Path

import pytest

from maskwright.compare.floors import below, floors
from maskwright.compare.report.figures import NAMES, UNITS
from maskwright.compare.results import HIGHER, Run


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    """Two runs with an exam and a suite, each with floors."""
    made = []
    for seed, accuracy in enumerate((0.5, 0.58)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        numbers = {"masked/loss": 4.0, "masked/unigram/loss": 6.0, "suite/accuracy": accuracy}
        numbers |= {"suite/chance/accuracy": 0.5, "suite/unigram/accuracy": 0.54 + 0.02 * seed}
        (folder / "final.json").write_text(json.dumps({f"valid/{name}": one for name, one in numbers.items()}))
        made.append(Run("mlm", seed, folder))
    return made


def test_floors_are_means_over_the_runs_that_all_have_them(runs: list[Run]) -> None:
    assert floors("suite/accuracy", runs) == {"chance": 0.5, "unigram": pytest.approx(0.55)}
    assert floors("masked/loss", runs) == {"unigram": 6.0}
    assert floors("masked/accuracy", runs) == floors("suite/accuracy", []) == {}


def test_an_arm_below_a_floor_is_named_with_the_floor_that_is_hardest_to_pass(runs: list[Run]) -> None:
    weak, strong = {0: runs[0]}, {1: runs[1]}
    assert list(below("suite/accuracy", {"weak": weak, "strong": strong})) == [("weak", "unigram", 0.54)]
    assert not list(below("masked/loss", {"weak": weak}))
    assert not list(below("masked/accuracy", {"weak": weak}))


def test_a_loss_above_that_of_token_frequencies_is_below_its_floor(runs: list[Run]) -> None:
    (runs[0].folder / "final.json").write_text(json.dumps({"valid/masked/loss": 6.5, "valid/masked/unigram/loss": 6.0}))
    assert list(below("masked/loss", {"mlm": {0: Run("mlm", 0, runs[0].folder)}})) == [("mlm", "unigram", 6.0)]


def test_every_metric_that_is_compared_has_a_name_and_a_unit() -> None:
    assert NAMES.keys() == UNITS.keys() == HIGHER.keys() - {"perplexity"}
