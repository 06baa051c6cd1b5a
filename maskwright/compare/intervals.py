"""Simultaneous confidence intervals of several arms' differences from one reference, over independent seeds.

Dunnett 1955, "A multiple comparison procedure for comparing several treatments with a control", with one variance
pooled over all arms. Where Bartlett's test finds the variances unequal, each difference gets its own, with the degrees
of freedom of Welch 1947 and the level divided by the number of differences (Bonferroni).

The seeds of an arm are taken as independent of those of the reference. Runs of one seed read the same rows, so where
that makes them alike the intervals are too wide, never too narrow. Shapes: S seeds (of an arm), K arms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy import optimize, stats

LEVEL = 0.95
UNEQUAL = 0.2
"""Bartlett's p below which variances are taken as unequal: a test of few seeds sees little at 0.05."""
HERMITE, LOG_STEPS = 64, 256
"""Points of the two integrals of `dunnett`; twice as many change its sixth digit."""


@dataclass(frozen=True)
class Interval:
    """Where a difference lies, with a confidence that holds for all differences of the family together."""

    low: float
    high: float
    level: float
    """The confidence of the family."""
    method: Literal["Dunnett", "Welch"]

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def intervals(reference: np.ndarray, arms: Sequence[np.ndarray], level: float = LEVEL) -> list[Interval | None]:
    """Of mean(arm) − mean(reference) for each arm, [S] float64 each. All hold at once with probability `level`.

    None where there is no spread to go by: one seed of each, or equal numbers.
    """
    groups = [reference, *arms]
    sizes = tuple(map(len, groups))
    if min(sizes) > 1 and _unequal(groups):
        return [_welch(reference, arm, level, len(arms)) for arm in arms]
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    if not squares:
        return [None] * len(arms)
    reach = dunnett(sizes, level) * (squares / (sum(sizes) - len(sizes))) ** 0.5
    halves = [reach * (1 / len(reference) + 1 / len(arm)) ** 0.5 for arm in arms]
    return [_around(reference, arm, half, level, "Dunnett") for arm, half in zip(arms, halves, strict=True)]


def _around(
    reference: np.ndarray, arm: np.ndarray, half: float, level: float, method: Literal["Dunnett", "Welch"]
) -> Interval:
    mean = float(arm.mean() - reference.mean())
    return Interval(mean - half, mean + half, level, method)


def _unequal(groups: Sequence[np.ndarray]) -> bool:
    """Whether the arms' variances differ by Bartlett's test, which takes two seeds and more."""
    spread = [group.var() for group in groups]
    if min(spread) == 0:  # of which the test knows nothing
        return max(spread) > 0
    return bool(stats.bartlett(*groups).pvalue < UNEQUAL)


def _welch(reference: np.ndarray, arm: np.ndarray, level: float, family: int) -> Interval | None:
    each = [float(group.var(ddof=1)) / len(group) for group in (reference, arm)]
    if not sum(each):
        return None
    parts = sum(part**2 / (len(group) - 1) for part, group in zip(each, (reference, arm), strict=True))
    reach = float(stats.t.isf((1 - level) / 2 / family, sum(each) ** 2 / parts))
    return _around(reference, arm, reach * sum(each) ** 0.5, level, "Welch")


@cache
def dunnett(sizes: tuple[int, ...], level: float = LEVEL) -> float:
    """Dunnett's two-sided critical value for groups of these sizes, the reference's first (1955, equation 5).

    By quadrature: `scipy.stats.dunnett` draws its integrals at random, and at levels above 0.95 finds no root.
    """
    shares = np.array([(n / (n + sizes[0])) ** 0.5 for n in sizes[1:]])[:, None, None]  # [K, 1, 1]
    point, weight = np.polynomial.hermite_e.hermegauss(HERMITE)
    spread = stats.chi(freedom := sum(sizes) - len(sizes), scale=freedom**-0.5)
    low, high = np.log(spread.ppf([1e-12, 1 - 1e-12])).tolist()
    logs = np.linspace(low, high, LOG_STEPS)
    density = spread.pdf(np.exp(logs)) * np.exp(logs)

    def covered(reach: float) -> float:
        ends = (shares * point[:, None] + sign * reach * np.exp(logs) for sign in (1, -1))
        above, below = (stats.norm.cdf(end / (1 - shares**2) ** 0.5) for end in ends)  # [K, HERMITE, LOG_STEPS]
        return float(weight @ (above - below).prod(0) @ density / weight.sum() / density.sum())

    top = float(stats.t.isf((1 - level) / 2 / (len(sizes) - 1), freedom))  # Bonferroni's, which is larger
    return float(optimize.brentq(lambda reach: covered(reach) - level, top / 3, top * 1.001, xtol=1e-6))
