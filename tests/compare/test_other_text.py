"""Bootstraps over the items of a suite: both runs answer the same ones, and paradigms vary as items do."""

from pathlib import Path

import numpy as np
import pytest

from maskwright.compare.other_text import over_items
from maskwright.compare.results import Run

METRIC = "blimp,data=blimp/accuracy"
PARADIGMS, ITEMS = 40, 30


def answered(folder: Path, name: str, credit: np.ndarray, paradigm: np.ndarray) -> Run:
    (kept := folder / name / "evaluations").mkdir(parents=True)
    np.savez(kept / "blimp,data=blimp.npz", paradigm=paradigm, credit=credit)
    run = Run(name, 0, folder / name)
    run.__dict__["answers"] = {"blimp,data=blimp": {}}
    return run


@pytest.fixture
def paradigm() -> np.ndarray:
    return np.repeat([f"p{place}" for place in range(PARADIGMS)], ITEMS)


def test_an_interval_over_paradigms_and_items_is_as_wide_as_both_make_it(tmp_path: Path, paradigm: np.ndarray) -> None:
    draw = np.random.default_rng(0)
    gain = np.repeat(draw.normal(0.05, 0.1, PARADIGMS), ITEMS)
    base = draw.random(len(gain)) < 0.5
    better = draw.random(len(gain)) < 0.5 + gain
    runs = [answered(tmp_path, name, each.astype(float), paradigm) for name, each in (("a", base), ("b", better))]
    low, high = over_items(METRIC, runs[1:], runs[:1])
    change = (better.astype(float) - base).reshape(PARADIGMS, ITEMS)
    deviation = ((change.mean(1).var() + change.var(1).mean() / ITEMS) / PARADIGMS) ** 0.5
    assert (high - low) / 2 == pytest.approx(1.96 * deviation, rel=0.1)
    assert (high + low) / 2 == pytest.approx(change.mean(), abs=0.3 * deviation)


def test_what_both_runs_answer_alike_has_no_width(tmp_path: Path, paradigm: np.ndarray) -> None:
    credit = np.tile([1.0, 0.0], len(paradigm) // 2)
    one, same, other = (answered(tmp_path, name, credit, kind) for name, kind in (
        ("one", paradigm), ("same", paradigm), ("other", paradigm[::-1])))  # fmt: skip
    assert over_items(METRIC, [one], [same]) == (0, 0)
    assert over_items(METRIC, [one], [other]) is None
    assert over_items("masked/accuracy", [one], [same]) is None
