"""Intervals over seeds cover what they say, hold together over arms, and are the published ones."""

import numpy as np
import pytest
from scipy import stats

from maskwright.compare.intervals import dunnett, intervals
from maskwright.compare.primary import Primary

TRIALS = 600


def coverage(seeds: int, spreads: tuple[float, ...], level: float = 0.95) -> float:
    """The share of simulated comparisons of equal arms in which all intervals hold 0."""
    draw = np.random.default_rng(seeds)
    held = 0
    for _ in range(TRIALS):
        reference, *arms = (spread * draw.normal(size=seeds) for spread in spreads)
        held += not any(found.excludes_zero for found in intervals(reference, arms, level) if found)
    return held / TRIALS


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_intervals_of_all_arms_hold_together_as_often_as_they_say(seeds: int) -> None:
    assert coverage(seeds, (1, 1, 1, 1)) == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(("seeds", "least"), [(2, 0.83), (3, 0.87), (5, 0.92), (10, 0.93)])
def test_unequal_variances_cost_little_coverage(seeds: int, least: float) -> None:
    """Of two or three seeds no test sees them well; one pooled variance would cover 0.84 to 0.88 at any number."""
    assert coverage(seeds, (4, 1, 1, 1)) > least
    assert coverage(seeds, (1, 1, 1, 4)) > least


def test_bartletts_test_decides_between_dunnett_and_welch() -> None:
    even, wide = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([0.0, 20.0, 40.0, 60.0, 81.0])
    (pooled,) = intervals(even, [even + 1])
    assert pooled.method == "Dunnett"
    (own,) = intervals(even, [wide])
    assert own.method == "Welch"
    found = stats.ttest_ind(wide, even, equal_var=False).confidence_interval(0.95)
    assert (own.low, own.high) == pytest.approx((found.low, found.high))
    first, _ = intervals(even, [wide, even])
    found = stats.ttest_ind(wide, even, equal_var=False).confidence_interval(0.975)
    assert (first.low, first.high) == pytest.approx((found.low, found.high)), "Bonferroni"


@pytest.mark.filterwarnings("ignore:Computation of the confidence interval")
def test_critical_values_are_the_published_ones() -> None:
    for sizes, tabled in (((3, 3, 3), 2.86), ((5,) * 4, 2.59), ((4,) * 6, 2.76)):  # Dunnett 1964, table II
        assert dunnett(sizes) == pytest.approx(tabled, abs=0.006)
        arms = [np.linspace(0, 1 + place / 10, n) for place, n in enumerate(sizes)]
        theirs = stats.dunnett(*arms[1:], control=arms[0], rng=np.random.default_rng(0)).confidence_interval()
        ours = intervals(arms[0], arms[1:])
        assert [one.low for one in ours] == pytest.approx(theirs.low, rel=0.01, abs=0.01)
    for level in (0.95, 0.995, 0.9995):
        assert dunnett((3, 3), level) == pytest.approx(stats.t.isf((1 - level) / 2, 4), rel=1e-4), (
            "of one arm: Student's"
        )


def test_intervals_move_and_stretch_with_the_numbers() -> None:
    reference, arm = np.array([0.3, -0.1, 0.5]), np.array([0.2, 0.9, 0.4, 1.0])
    (one,), (other,) = intervals(reference, [arm]), intervals(3 * reference + 1, [3 * arm + 1])
    assert (other.low, other.high) == pytest.approx((3 * one.low, 3 * one.high))
    assert intervals(reference, [arm], 0.99)[0].low < one.low < arm.mean() - reference.mean() < one.high


def test_what_has_no_spread_has_no_interval() -> None:
    assert intervals(np.array([1.0]), [np.array([2.0])]) == [None]
    assert intervals(np.ones(3), [np.ones(3) + 1]) == [None]
    alone, more = intervals(np.array([0.0, 1.0, 2.0]), [np.array([2.0]), np.array([1.0, 3.0])])
    assert alone.high - alone.low > more.high - more.low, "a single run is judged by the spread of the others"


def test_the_primary_metric_is_at_95_percent_and_the_others_together() -> None:
    names = ["masked/loss", "masked/accuracy", "blimp/accuracy"]
    chosen = Primary("masked/loss", True)
    assert [chosen.level(name, names) for name in names] == pytest.approx([0.95, 0.975, 0.975])
    assert [Primary(None, True).level(name, names) for name in names] == pytest.approx([1 - 0.05 / 3] * 3)
