"""Intervals over seeds cover what they say, hold together over arms, and are the published ones."""

import numpy as np
import pytest
from scipy import stats

from maskwright.compare.intervals import dunnett, intervals
from maskwright.compare.primary import Primary

TRIALS = 600


def coverage(seeds: int, spreads: tuple[float, ...]) -> float:
    """The share of simulated comparisons of equal arms in which all intervals hold 0."""
    draw = np.random.default_rng(seeds)
    blocks = draw.normal(size=(TRIALS, 1, seeds))  # what a seed does to all arms alike
    values = 3 * blocks + draw.normal(size=(TRIALS, len(spreads), seeds)) * np.array(spreads)[:, None]
    return float(np.mean([not any(found.excludes_zero for found in intervals(one)) for one in values]))


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_intervals_of_all_arms_hold_together_as_often_as_they_say(seeds: int) -> None:
    assert coverage(seeds, (1, 1, 1, 1)) == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(("seeds", "least"), [(2, 0.83), (3, 0.84), (5, 0.86), (10, 0.93)])
def test_unequal_variances_cost_little_coverage(seeds: int, least: float) -> None:
    """Of two or three seeds no test sees them well."""
    assert coverage(seeds, (4, 1, 1, 1)) > least
    assert coverage(seeds, (1, 1, 1, 4)) > least


def test_bartletts_test_decides_whether_variances_are_pooled() -> None:
    values = np.random.default_rng(0).normal(size=(7, 8))
    assert {one.method for one in intervals(values)} == {"Dunnett"}
    values[1] *= 30
    for row, one in enumerate(intervals(values), 1):
        held = stats.ttest_ind(values[row], values[0], equal_var=False).confidence_interval(1 - 0.05 / 6)
        assert one.method == "Welch"
        assert (one.low, one.high) == pytest.approx((held.low, held.high)), "Bonferroni's share of six"


def test_critical_values_are_the_published_ones() -> None:
    for arms, freedom, tabled in ((2, 6, 2.86), (3, 16, 2.59), (5, 18, 2.76)):  # Dunnett 1964, table II
        assert dunnett(arms, freedom) == pytest.approx(tabled, abs=0.006)
    for level in (0.95, 0.995, 0.9995):
        assert dunnett(1, 4, level) == pytest.approx(stats.t.isf((1 - level) / 2, 4), rel=1e-4), "Student's"


def test_critical_values_are_those_of_scipy() -> None:
    groups = [np.linspace(0, 1 + place / 10, 5) for place in range(4)]
    theirs = stats.dunnett(*groups[1:], control=groups[0], rng=np.random.default_rng(0)).confidence_interval(0.95)
    spread = (np.mean([group.var(ddof=1) for group in groups]) * 2 / 5) ** 0.5
    assert (theirs.high - theirs.low) / 2 / spread == pytest.approx(dunnett(3, 16), rel=0.005)


def test_one_arm_is_compared_by_students_interval_of_its_pairs() -> None:
    values = np.array([[0.3, -0.1, 0.5, 0.2], [0.9, 0.4, 1.0, 0.3]])
    (one,) = intervals(values, 0.99)
    held = stats.ttest_rel(values[1], values[0]).confidence_interval(0.99)
    assert (one.low, one.high) == pytest.approx((held.low, held.high), rel=1e-4)


def test_intervals_move_and_stretch_with_the_numbers_whatever_a_seed_does_to_all_arms() -> None:
    values = np.random.default_rng(1).normal(size=(4, 3))
    assert {one.method for one in intervals(values)} == {"Dunnett"}
    for one, other in zip(intervals(values), intervals(3 * values + np.array([5.0, -7.0, 100.0])), strict=True):
        assert (other.low, other.high) == pytest.approx((3 * one.low, 3 * one.high))


def test_what_has_no_spread_has_no_interval() -> None:
    assert intervals(np.array([[1.0], [2.0]])) == [None]
    assert intervals(np.array([[0.1, 0.3, 0.5], [0.3, 0.5, 0.7]])) == [None]
    alike, apart = intervals(np.array([[0.1, 0.3, 0.5], [0.3, 0.5, 0.7], [0.2, 0.9, 0.1]]))
    assert alike is None
    assert apart is not None


def test_the_primary_metric_is_at_95_percent_and_the_others_together() -> None:
    names = ["masked/loss", "masked/accuracy", "blimp/accuracy"]
    chosen = Primary("masked/loss", True)
    assert [chosen.level(name, names) for name in names] == pytest.approx([0.95, 0.975, 0.975])
    assert [Primary(None, True).level(name, names) for name in names] == pytest.approx([1 - 0.05 / 3] * 3)


def test_an_exam_of_one_arm_alone_has_no_difference() -> None:
    assert intervals(np.array([[1.0, 2.0, 4.0]])) == []
