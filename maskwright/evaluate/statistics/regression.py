"""How much of the unexplained variance another predictor explains: two nested linear regressions."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

Columns = Mapping[str, np.ndarray]
"""Name to [N] float64, NaN where missing."""


def gain(columns: Columns, target: str, base: Sequence[str], more: str) -> float:
    """(R² with `more` − R² without) / (1 − R² without), over the rows without missing values.

    Both regressions have the `base` columns and their pairwise products. 0 if the base explains everything.
    """
    known = np.isfinite(np.stack([columns[name] for name in (target, more, *base)])).all(0)
    y, one = columns[target][known], columns[more][known]
    plain = [columns[name][known] for name in base]
    products = [a * b for a, b in combinations(plain, 2)]
    without = np.stack([np.ones(known.sum()), *plain, *products], 1)
    first, second = _explained(without, y), _explained(np.c_[without, one], y)
    return (second - first) / (1 - first) if first < 1 else 0.0


def _explained(x: np.ndarray, y: np.ndarray) -> float:
    """R² of least squares of y [N] on x [N, C], with columns scaled for conditioning."""
    scaled = x / np.maximum(np.abs(x).max(0), 1e-300)
    left = y - scaled @ np.linalg.lstsq(scaled, y, rcond=None)[0]
    spread = float(((y - y.mean()) ** 2).sum())
    return 1 - float((left**2).sum()) / spread if spread else 1.0
