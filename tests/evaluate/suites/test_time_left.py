"""Suites that take long say how much is done, from nothing to all."""

from itertools import pairwise
from pathlib import Path

import pytest

from maskwright import progress
from maskwright.evaluate.validation.validate import take_exam
from maskwright.run.load import load
from maskwright.sampling.request import SampleRequest, load_models, stream

from .test_classification import lines
from .test_edges import sentences
from .test_tagging import tagged

PAIR = {"sentence_good": "The value is {}.", "sentence_bad": "The values is {}."}


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What is told of how much is done."""
    found: list[float] = []
    monkeypatch.setattr(progress.Bar, "update", lambda bar, task, total, completed: found.append(completed))
    return found


@pytest.fixture
def data(write) -> Path:
    """A task of each kind; pairs of six lengths."""
    for part, count in {"train": 24, "valid": 8}.items():
        write(f"classes/{part}.jsonl", *lines(count))
        write(f"spans/{part}.jsonl", *sentences(count, 0))
        write(f"tags/{part}.txt", *tagged(count))
    pairs = ({name: text.format(" ".join(["new"] * i)) for name, text in PAIR.items()} for i in range(1, 7))
    return write("pairs/one.jsonl", *pairs)


TWICE = ["seeds=2", "epochs=2", "patience=2"]
SUITES = {
    "classification": ("classes", TWICE), "tagging": ("tags", TWICE), "edges": ("spans", TWICE),
    "blimp_supplement": ("pairs", ["batch_tokens=64"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_tells_how_much_is_done(suite, data: Path, parts: list[float], name: str) -> None:
    folder, options = SUITES[name]
    with progress.during(name):
        suite(name, data / folder, *options)
    assert_told(parts)


def assert_told(parts: list[float]) -> None:
    assert parts[0] == 0
    assert all(one <= other < 1 for one, other in pairwise(parts))
    assert parts[-1] >= 0.75


def test_an_exam_tells_how_much_is_done(trained: Path, parts: list[float]) -> None:
    run = load(trained)
    with progress.during("validating"):
        take_exam(run.model, run.data.valid, run.live_objective, batch_tokens=64)
    assert_told(parts)


def test_a_grid_of_rates_does_too(suite, data: Path, parts: list[float]) -> None:
    with progress.during("grid"):
        suite("classification", data / "classes", "seeds=1", "epochs=1", "rates=[1e-3,1e-2]")
    assert {0.0, 0.5} <= set(parts)


def test_sampling_tells_how_many_steps_are_done(trained: Path, parts: list[float]) -> None:
    request = SampleRequest(run=trained, count=1, length=8, steps=4, sampler="remdm", block_length=4)
    with progress.during("sampling"):
        assert list(stream(request, load_models(request)))
    assert sorted(set(parts)) == [0, 0.25, 0.5, 0.75]
