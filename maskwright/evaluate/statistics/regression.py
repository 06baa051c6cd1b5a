"""How much of the unexplained variance another predictor explains: two nested linear regressions."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

Columns = Mapping[str, np.ndarray]
"""Name to [N] float64, NaN where missing."""


def gain(columns: Columns, target: str, base: Sequence[str], more: str) -> float:
    """(R² with `more` − R² without) / (1 − R² without), each over the rows without missing values of its own.

    Both regressions have the `base` columns and their pairwise products. 0 if the base explains everything. Raises
    ValueError when no row is without missing values.
    """
    plain = [columns[name] for name in base]
    without = np.stack([np.ones_like(columns[target]), *plain, *(a * b for a, b in combinations(plain, 2))], 1)
    first = _explained(without, columns[target])
    second = _explained(np.c_[without, columns[more]], columns[target])
    return (second - first) / (1 - first) if first < 1 else 0.0


def _explained(x: np.ndarray, y: np.ndarray) -> float:
    """R² of least squares of y [N] on x [N, C], over the rows without missing values; columns are scaled for
    conditioning."""
    known = np.isfinite(np.c_[x, y]).all(1)
    if not known.any():
        raise ValueError("no row of the table has a number in every column that the regression needs")
    x, y = x[known], y[known]
    scaled = x / np.maximum(np.abs(x).max(0), 1e-300)
    left = y - scaled @ np.linalg.lstsq(scaled, y, rcond=None)[0]
    spread = float(((y - y.mean()) ** 2).sum())
    return 1 - float((left**2).sum()) / spread if spread else 1.0
