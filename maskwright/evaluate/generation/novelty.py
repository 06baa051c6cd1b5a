"""Copied n-grams: the share of the n-grams of texts that stand in the training text word for word.

1 − the n-gram novelty of McCoy et al. 2023, "How much do language models copy from their training data?"
(arXiv 2111.09509).

Shapes: N texts of L tokens, T tokens of training text in D documents.
"""

import numpy as np

from ...text.shards.shards import Split

FACTOR = np.uint64(0x9E3779B97F4A7C15)
FIRST_BITS = np.uint64(44)
CHUNK = 1 << 22
"""Positions of the training text that are looked at together."""


def copied(tokens: np.ndarray, train: Split, n: int) -> np.ndarray:
    """[N] float64, of tokens [N, L], n ≤ L; an n-gram of the training text lies within one document.

    N-grams are compared by hashes of 64 bits.
    """
    grams = hashes(tokens, n)  # [N, L − n + 1]
    known = np.unique(grams)
    found, maybe = np.zeros(len(known), np.bool_), np.zeros(1 << 20, np.bool_)
    maybe[known >> FIRST_BITS] = True  # most of the training text is passed over by the first bits of its hashes
    for begin in range(0, max(len(train.tokens) - n + 1, 0), CHUNK):
        part = hashes(np.asarray(train.tokens[begin : begin + CHUNK + n - 1])[None], n)[0]
        here = np.flatnonzero(maybe[part >> FIRST_BITS])
        first, last = (np.searchsorted(train.offsets, begin + here + ahead, "right") for ahead in (0, n - 1))
        found |= np.isin(known, part[here[first == last]])  # both ends are in one document
    return found[np.searchsorted(known, grams)].mean(1)


def hashes(tokens: np.ndarray, n: int) -> np.ndarray:
    """[N, L − n + 1] uint64, a hash of each n-gram of tokens [N, L]: a polynomial modulo 2^64."""
    ids = (tokens.astype(np.uint64) + np.uint64(1)) * FACTOR
    ids ^= ids >> np.uint64(29)
    length = tokens.shape[1] - n + 1
    found = np.zeros((len(tokens), length), np.uint64)
    for ahead in range(n):
        found = found * FACTOR + ids[:, ahead : ahead + length]
    return found
