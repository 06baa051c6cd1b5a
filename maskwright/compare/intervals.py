"""Simultaneous confidence intervals of several arms' differences from one reference, over the seeds that all have.

Runs of one seed read the same rows, so arms and seeds are a block design: what a seed does to all arms alike drops out,
and one variance is pooled over all that is left. Dunnett 1955, "A multiple comparison procedure for comparing several
treatments with a control". Where Bartlett's test finds that arms vary differently, each difference has the variances of
its own two arms, with the degrees of freedom of Welch 1947 and the level divided by the number of differences
(Bonferroni); pairs would leave too few degrees of freedom there, and what they share makes Welch's intervals wider than
they need be.

Shapes: K arms, S seeds.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy import optimize, stats

LEVEL = 0.95
UNEQUAL = 0.1
"""Bartlett's p below which variances are taken as unequal: a test of few seeds sees little at 0.05."""
HERMITE, LOG_STEPS = 64, 256
"""Points of the two integrals of `dunnett`; twice as many change its sixth digit."""
NOTHING = 1e-12
"""Share of the values below which a spread is rounding."""


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


def intervals(values: np.ndarray, level: float = LEVEL) -> list[Interval | None]:
    """Of the mean difference of each arm from the reference; all hold at once with probability `level`.

    values: [1 + K, S] float64, the reference first. None where there is no spread to go by: one seed, or a difference
    that is the same in every pair.
    """
    apart = values[1:] - values[0]  # [K, S]
    count, seeds = apart.shape
    if not count or seeds < 2:  # an exam that one arm alone has, as backward/loss may be
        return [None] * count
    rest = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    held = _pooled(values, rest, level) if _alike(rest) else _welch(values, level)
    least = NOTHING * float(np.abs(values).max())
    return [one if pairs.std() > least else None for one, pairs in zip(held, apart, strict=True)]


def _pooled(values: np.ndarray, rest: np.ndarray, level: float) -> list[Interval]:
    count, seeds = len(values) - 1, values.shape[1]
    freedom = count * (seeds - 1)
    reach = dunnett(count, freedom, level) * (2 * (rest**2).sum() / freedom / seeds) ** 0.5
    means = values[1:].mean(1) - values[0].mean()
    return [Interval(float(mean - reach), float(mean + reach), level, "Dunnett") for mean in means]


def _welch(values: np.ndarray, level: float) -> list[Interval]:
    share = 1 - (1 - level) / (len(values) - 1)
    held = [stats.ttest_ind(arm, values[0], equal_var=False).confidence_interval(share) for arm in values[1:]]
    return [Interval(float(one.low), float(one.high), level, "Welch") for one in held]


def _alike(rest: np.ndarray) -> bool:
    """Whether the arms vary alike around their means and the seeds', by Bartlett's test of what is left, [1 + K, S]."""
    if len(rest) == 2:  # of which one is the other's mirror image
        return True
    return bool(rest.var(1).min() > 0 and stats.bartlett(*rest).pvalue >= UNEQUAL)


@cache
def dunnett(arms: int, freedom: int, level: float = LEVEL) -> float:
    """Dunnett's two-sided critical value for `arms` groups beside a reference, all of one size (1955, equation 5).

    By quadrature: `scipy.stats.dunnett` draws its integrals at random, and at levels above 0.95 finds no root.
    """
    point, weight = np.polynomial.hermite_e.hermegauss(HERMITE)
    spread = stats.chi(freedom, scale=freedom**-0.5)
    low, high = np.log(spread.ppf([1e-12, 1 - 1e-12])).tolist()
    size = np.exp(np.linspace(low, high, LOG_STEPS))
    density = spread.pdf(size) * size

    def covered(reach: float) -> float:
        ends = (point[:, None] + sign * reach * size * 2**0.5 for sign in (1, -1))
        above, below = (stats.norm.cdf(end) for end in ends)  # [HERMITE, LOG_STEPS]
        return float(weight @ (above - below) ** arms @ density / weight.sum() / density.sum())

    top = float(stats.t.isf((1 - level) / 2 / arms, freedom))  # Bonferroni's, which is larger
    return float(optimize.brentq(lambda reach: covered(reach) - level, top / 3, top * 1.001, xtol=1e-6))
