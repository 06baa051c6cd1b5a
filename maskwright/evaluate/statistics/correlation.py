"""Pearson and Spearman correlation."""

from math import atanh, sqrt, tanh

import numpy as np


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
