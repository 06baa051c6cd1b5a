"""Bootstrap confidence intervals.

Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13.
"""

import numpy as np

from ...noise import address

LEVEL = 0.95


def resampled(n: int, times: int, what: str) -> np.ndarray:
    """[times, n] float64: how often each of n items occurs in `times` resamples of n with replacement."""
    draw = np.random.default_rng(address(0, f"bootstrap {what}", n))
    return np.array([np.bincount(draw.integers(n, size=n), minlength=n) for _ in range(times)], float).reshape(times, n)


def percentiles(values: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of resampled `values` [R]."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high


def interval(value: float, again: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of `value`, from its resampled values `again` [R].

    Percentiles are of the distance from the resamples' mean, because a divergence is biased upwards in every resample
    (a resample has fewer distinct items), and that bias is not sampling error.
    """
    low, high = (value + np.quantile(again - again.mean(), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])).tolist()
    return low, high
