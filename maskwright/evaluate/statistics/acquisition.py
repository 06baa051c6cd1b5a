"""Age of acquisition of a word: where a sigmoid fitted to its learning curve crosses the halfway point.

Chang and Bergen 2022, "Word acquisition in neural language models", section 3: for children, half of them say
the word; for a model, its surprisal is halfway between chance, log2 V bits, and its minimum.
"""

import numpy as np

ROUNDS = 200


def sigmoid(x: np.ndarray, a: float, b: float, c: float, d: float) -> np.ndarray:
    """a / (1 + exp(-b · (x - c))) + d."""
    return a / (1 + np.exp(-np.clip(b * (x - c), -500, 500))) + d


def fit(x: np.ndarray, y: np.ndarray, start: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """[4] float64, least-squares a, b, c, d within the bounds, by Levenberg-Marquardt."""
    values, damping = np.clip(start, low, high), 1e-3
    left = y - sigmoid(x, *values)
    for _ in range(ROUNDS):
        slopes = _slopes(x, *values)  # [N, 4]
        square = slopes.T @ slopes
        step = np.linalg.solve(square + damping * (np.diag(square.diagonal()) + 1e-9 * np.eye(4)), slopes.T @ left)
        tried = np.clip(values + step, low, high)
        rest = y - sigmoid(x, *tried)
        if rest @ rest < left @ left:
            values, left, damping = tried, rest, damping / 3
        else:
            damping *= 4
    return values


def _slopes(x: np.ndarray, a: float, b: float, c: float, d: float) -> np.ndarray:
    share = sigmoid(x, 1.0, b, c, 0.0)
    bend = a * share * (1 - share)
    return np.stack([share, bend * (x - c), -bend * b, np.ones_like(x)], 1)


def crossing(x: np.ndarray, values: np.ndarray, level: float) -> float:
    """Where the sigmoid reaches `level`; NaN outside the observed x, or if it does not rise."""
    a, b, c, d = values
    if a <= 0 or b <= 0 or not d < level < a + d:
        return np.nan
    found = float(c - np.log(a / (level - d) - 1) / b)
    return found if x.min() <= found <= x.max() else np.nan


def of_children(ages: np.ndarray, shares: np.ndarray) -> float:
    """The age, in months, at which half of the children say a word; NaN where it is undefined.

    ages: [N] months.  shares: [N], share of children who say it, NaN where unknown.
    """
    known = np.isfinite(shares)
    if known.sum() < 3:
        return np.nan
    x, y = ages[known].astype(np.float64), shares[known]
    low, high = np.array([0, 0, x[0], -0.5]), np.array([2, 1, x[-1], 0.5])
    return crossing(x, fit(x, y, np.array([1, 0.1, x.mean(), 0]), low, high), 0.5)


def of_model(words: np.ndarray, surprisal: np.ndarray, vocabulary: int) -> float:
    """log10 of the words read when a word is learned; NaN where it is undefined.

    words: [N] read so far.  surprisal: [N] bits.  vocabulary: V, which sets the chance level.
    """
    known = np.isfinite(surprisal)
    if known.sum() < 3:
        return np.nan
    x, y, chance = np.log10(words[known] + 1.0), -surprisal[known], -np.log2(vocabulary)
    start, wide = np.array([np.ptp(y), 1.0, x.mean(), y.min()]), np.array([1e3, 1e3, 1e3, 1e3])
    return crossing(x, fit(x, y, start, -wide, wide), (chance + y.max()) / 2)
