"""Pearson and Spearman correlation, and correlation given time with its null distribution."""

from math import atanh, sqrt, tanh

import numpy as np

from ...noise import address


def ranks(values: np.ndarray) -> np.ndarray:
    """[N] float64, ranks from 1; ties get their mean rank."""
    _, index, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[index]


def pearson(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of [N] and [N], 0 if either is constant."""
    one, other = one - one.mean(), other - other.mean()
    size = sqrt(float((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size else 0.0


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of the ranks of [N] and [N], 0 if either is constant."""
    return pearson(ranks(one), ranks(other))


def interval(r: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a rank correlation over `count` pairs; (-1, 1) for fewer than four.

    Fisher's transform with the variance of Bonett and Wright 2000, "Sample size requirements", eq. 6.
    """
    if count < 4 or abs(r) >= 1:
        return (r, r) if count >= 4 else (-1.0, 1.0)
    half = z * sqrt((1 + r * r / 2) / (count - 3))
    return tanh(atanh(r) - half), tanh(atanh(r) + half)


def detrended(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    """What a straight line in `time`, [T], leaves of each column of `values`, [T, C], at length 1; 0 if nothing."""
    line = np.linalg.qr(np.stack([np.ones(len(time)), time - time.mean()], 1))[0]
    left = values - line @ (line.T @ values)
    size = np.sqrt((left**2).sum(0))
    return np.divide(left, size, out=np.zeros_like(left), where=size > 1e-9 * (1 + np.abs(values).max(0)))


def partial(one: np.ndarray, other: np.ndarray, time: np.ndarray) -> np.ndarray:
    """[C, D] correlations of the columns of `one`, [T, C], with those of `other`, [T, D], given `time`, [T]."""
    return detrended(one, time).T @ detrended(other, time)


def permuted(one: np.ndarray, other: np.ndarray, time: np.ndarray, times: int, what: str) -> np.ndarray:
    """[R, C, D] `partial` with what time leaves of `other` in R = `times` random orders, the same for all its columns.

    Freedman and Lane 1983, "A nonstochastic interpretation of reported significance levels".
    """
    draw = np.random.default_rng(address(0, f"permutation {what}", len(time)))
    left, fixed = detrended(other, time), detrended(one, time)
    return np.array([fixed.T @ detrended(left[draw.permutation(len(time))], time) for _ in range(times)])
