"""Diversity of texts: entropy, distinct n-grams, repetition, and overlap between texts.

Each metric gives one number per text. Shapes: N texts, L tokens in each.
"""

from itertools import combinations

import numpy as np

WINDOW = 16
"""How far back a token counts as repeated."""


def ngrams(tokens: np.ndarray, n: int) -> np.ndarray:
    """[N, L − n + 1] int64, ids of the n-grams of tokens [N, L]: equal ids are equal n-grams."""
    length = tokens.shape[1] - n + 1
    found = np.unique(tokens[:, :length], return_inverse=True)[1].reshape(len(tokens), length)
    for ahead in range(1, n):
        longer = found * (int(tokens.max()) + 1) + tokens[:, ahead : ahead + length]
        found = np.unique(longer, return_inverse=True)[1].reshape(longer.shape)
    return found


def entropy(tokens: np.ndarray) -> np.ndarray:
    """[N] float64, nats: the entropy of the token distribution within each text."""
    share = _occurrences(tokens) / tokens.shape[1]
    return -np.log(share).mean(1)


def distinct(tokens: np.ndarray, n: int) -> np.ndarray:
    """[N] float64, the number of distinct n-grams of each text over all of its n-grams.

    Li et al. 2016, "A diversity-promoting objective function for neural conversation models" (distinct-n), by text.
    """
    ordered = np.sort(ngrams(tokens, n), 1)
    return (1 + np.count_nonzero(np.diff(ordered, axis=1), axis=1)) / ordered.shape[1]


def repetition(tokens: np.ndarray) -> np.ndarray:
    """[N] float64, the share of the 4-grams of each text that repeat an earlier one: 1 − distinct-4.

    Welleck et al. 2020, "Neural text generation with unlikelihood training" (seq-rep-4).
    """
    return 1 - distinct(tokens, 4)


def rep(tokens: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """[N] float64, the share of the tokens of each text, but the first, that are among the `window` before them.

    Welleck et al. 2020 (rep/16), on generated tokens instead of predictions.
    """
    again = np.zeros(tokens.shape, np.bool_)
    for back in range(1, min(window, tokens.shape[1] - 1) + 1):
        again[:, back:] |= tokens[:, back:] == tokens[:, :-back]
    return again[:, 1:].mean(1)


def overlap(tokens: np.ndarray, n: int = 4) -> np.ndarray:
    """[N] float64, the share of the n-grams of each text that also occur in another text; 0 for a single text."""
    grams = ngrams(tokens, n)
    texts = np.repeat(np.arange(len(grams)), grams.shape[1])
    pairs = np.unique(grams.ravel() * len(grams) + texts)  # each n-gram once per text
    many = np.bincount(pairs // len(grams))
    return (many[grams] > 1).mean(1)


def consistency(tokens: np.ndarray) -> np.ndarray:
    """[P] float64, how often two texts of a prompt have the same token at a position; tokens: [S, P, L], S texts each.

    1 − the variance of the one-hot vectors of a position's tokens over the texts (the unbiased one, summed over the
    vocabulary), averaged over positions: 1 where every seed writes the same text.
    """
    pairs = [(one == other).mean(1) for one, other in combinations(tokens, 2)]
    return np.mean(pairs, axis=0)


def _occurrences(tokens: np.ndarray) -> np.ndarray:
    """[N, L] int64, how often each token is in its text."""
    width = int(tokens.max()) + 1
    apart = tokens + width * np.arange(len(tokens))[:, None]
    _, place, count = np.unique(apart, return_inverse=True, return_counts=True)
    return count[place].reshape(tokens.shape)
