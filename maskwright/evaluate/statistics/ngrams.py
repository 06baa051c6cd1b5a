"""A language model of n-grams: what counts of the training text alone say of a text.

P(w | h) = (c(hw) + α · P(w | h′)) / (c(h) + α), where h′ is h without its first token and the shortest history gives
every token the same probability (MacKay and Peto 1995, "A hierarchical Dirichlet language model", section 4, with one α
for all histories). Only the n-grams that are asked for are counted, so that a corpus of any size is read once, in
bounded memory.
"""

from collections.abc import Sequence

import numpy as np

CONCENTRATION = 5.0
"""α: as many occurrences of a history weigh as much as what is known without its first token."""
CHUNK = 1 << 22


def log_probabilities(texts: Sequence[np.ndarray], corpus: np.ndarray, size: int, order: int) -> np.ndarray:
    """[order, N] float64: ln P of each of the N tokens of all texts, given none, one … `order` − 1 before it there.

    texts: [L] int each.  corpus: [T] int, the tokens of the training text; n-grams over the ends of its documents count
    too.  size: of the vocabulary; `size ** order` has to be below 2 ** 63.
    """
    tokens = np.concatenate(texts).astype(np.int64)
    before = np.concatenate([np.arange(len(text)) for text in texts])
    p, history = np.full((order + 1, len(tokens)), 1 / size), np.full(len(tokens) + 1, len(corpus))
    for n in range(1, order + 1):
        last = np.flatnonzero(before >= n - 1)
        found = np.zeros(len(tokens) + 1, np.int64)
        found[last + 1] = _counts(_grams(tokens, n, size)[last - n + 1], corpus, n, size)
        p[n] = p[n - 1]
        p[n, last] = (found[last + 1] + CONCENTRATION * p[n - 1, last]) / (history[last] + CONCENTRATION)
        history = found  # an n-gram that ends before a token is the history of the next longer one that ends with it
    return np.log(p[1:])


def _grams(tokens: np.ndarray, n: int, size: int) -> np.ndarray:
    """[T − n + 1] int64, a number for each n-gram."""
    whole = np.zeros(len(tokens) - n + 1, np.int64)
    for place in range(n):
        whole = whole * size + tokens[place : place + len(whole)]
    return whole


def _counts(asked: np.ndarray, corpus: np.ndarray, n: int, size: int) -> np.ndarray:
    """[N] int64, how often each n-gram of `asked`, [N], occurs in `corpus`."""
    different, index = np.unique(asked, return_inverse=True)
    counts = np.zeros(len(different), np.int64)
    for begin in range(0, len(corpus) - n + 1 if len(different) else 0, CHUNK):
        grams = _grams(corpus[begin : begin + CHUNK + n - 1], n, size)
        place = np.searchsorted(different, grams).clip(max=len(different) - 1)
        counts += np.bincount(place[different[place] == grams], minlength=len(different))
    return counts[index]
