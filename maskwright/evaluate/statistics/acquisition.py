"""Age of acquisition of a word: where a sigmoid fitted to its learning curve crosses the halfway point.

Chang and Bergen 2022, "Word acquisition in neural language models", section 3: for children, half of them say
the word; for a model, its surprisal is halfway between chance and its minimum. Starts, bounds and limits of the fit are
those of the official BabyLM evaluation.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.stats import pearsonr

Bounds = tuple[Sequence[float], Sequence[float]]
FEWEST = 3
"""Points that a sigmoid needs, and words that a correlation needs."""
SURE = 0.1
"""The p-value above which a correlation counts as none."""


def sigmoid(x: np.ndarray, a: float, b: float, c: float, d: float) -> np.ndarray:
    """a / (1 + exp(-b · (x - c))) + d."""
    return a / (1 + np.exp(-np.clip(b * (x - c), -500, 500))) + d


def crossing(
    x: np.ndarray, y: np.ndarray, start: Sequence[float], bounds: Bounds, tries: int, level: float, least: float = 0.0
) -> float:
    """Where the sigmoid fitted to x and y [N] reaches `level`.

    NaN where no fit is found after `tries` evaluations, where its a or b is at most `least`, where it does not cross
    the level, and outside the observed x.
    """
    try:
        with warnings.catch_warnings(action="ignore", category=OptimizeWarning):  # of how sure the fit is
            a, b, c, d = curve_fit(sigmoid, x, y, start, bounds=bounds, maxfev=tries)[0]
    except (RuntimeError, ValueError, TypeError):  # no fit; or fewer points than parameters, without bounds
        return np.nan
    if a <= least or b <= least or not d < level < a + d:
        return np.nan
    found = float(c - np.log(a / (level - d) - 1) / b)
    return found if x[0] <= found <= x[-1] else np.nan


def of_children(ages: np.ndarray, shares: np.ndarray) -> float:
    """The age, in months, at which half of the children say a word; NaN where it is undefined.

    ages: [N] months, ascending.  shares: [N], share of children who say it, NaN where unknown.
    """
    known = np.isfinite(shares)
    if known.sum() < FEWEST:
        return np.nan
    x, y = ages[known].astype(np.float64), shares[known]
    bounds = (0, 0, x[0], -0.5), (2, 1, x[-1], 0.5)
    return crossing(x, y, (1, 0.1, x.mean(), 0), bounds, 1000, 0.5)


def of_model(words: np.ndarray, surprisal: np.ndarray, chance: float, bounded: bool = True) -> float:
    """log10 of the words read when a word is learned; NaN where it is undefined.

    words: [N] read so far, ascending.  surprisal: [N] nats, NaN where unknown.  chance: surprisal of a guess, in nats.
    bounded: with the bounds of the official evaluation of 2026; that of 2025 had none.
    """
    known = np.isfinite(surprisal)
    if known.sum() < FEWEST:
        return np.nan
    x, y = np.log10(words[known] + 1.0), -surprisal[known]
    span, start = np.ptp(y), (np.ptp(y), 1.0, x.mean(), y.min())
    level = -chance + (y.max() + chance) / 2
    if not bounded:
        return crossing(x, y, start, ([-np.inf] * 4, [np.inf] * 4), 1000, level)
    low = 0, 0, x.min() - 1, y.min() - 2 * span - 1
    high = 10 * span + 1, 100, x.max() + 1, y.max() + 1
    return crossing(x, y, start, (low, high), 20_000, level, 1e-6)


def agreement(model: np.ndarray, children: np.ndarray, sure: float) -> float:
    """Pearson's correlation of when model and children learn N words; 0 for fewer than three, or where p > `sure`."""
    if len(model) < FEWEST or np.ptp(model) == 0 or np.ptp(children) == 0:
        return 0.0
    found, p = pearsonr(model, children)
    return float(found) if p <= sure else 0.0
