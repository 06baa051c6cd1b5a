"""Things drawn again with replacement: what a figure owes to the luck of what was drawn.

Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13.
"""

import numpy as np

from ...noise import address

LEVEL = 0.95


def resampled(n: int, times: int, what: str) -> np.ndarray:
    """[times, n] float64: how often each of n things comes in `times` draws of n with replacement."""
    draw = np.random.default_rng(address(0, f"bootstrap {what}", n))
    return np.stack([np.bincount(draw.integers(n, size=n), minlength=n) for _ in range(times)]).astype(float)


def interval(value: float, again: np.ndarray) -> tuple[float, float]:
    """The 95 % around `value` in which it moves when drawn again, `again` [R].

    The percentiles are taken of the distance from the mean of the redrawn: a divergence is larger in every resample,
    because a resample holds fewer different things, and that is no luck.
    """
    low, high = (value + np.quantile(again - again.mean(), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])).tolist()
    return low, high
