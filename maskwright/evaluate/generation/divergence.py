"""How far the n-grams of some texts are from those of others: Jensen-Shannon divergence in bits, from 0 to 1.

Lin 1991, "Divergence measures based on the Shannon entropy", eq. 4.1, with equal weights and logarithms to base 2.

Shapes: N texts and M others of L tokens each, U different n-grams of the N, P pairs of a text and
an n-gram that it has, R resamples.
"""

import numpy as np

from .diversity import ngrams

PART = 64
"""Resamples counted at once."""


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """[...] bits, between counts p and q [..., U], each taken as shares; 0 where they are the same, 1 where apart."""
    p, q = (counts / counts.sum(-1, keepdims=True) for counts in (p, q))
    return ((_xlogx(p) + _xlogx(q)) / 2 - _xlogx((p + q) / 2)).sum(-1)


def divergence(tokens: np.ndarray, others: np.ndarray, n: int, again: np.ndarray) -> tuple[float, np.ndarray]:
    """Bits between the n-grams of tokens [N, L] and those of others [M, L], and [R] with the N texts drawn `again`.

    again: [R, N] float64, how often each text comes.
    """
    texts, grams, counts, there = _counted(tokens, others, n)

    def apart(weights: np.ndarray) -> np.ndarray:
        """Of weights [R, N]."""
        here = [np.bincount(grams, row[texts] * counts, len(there)) for row in weights]
        return jensen_shannon(np.stack(here), there)

    redrawn = [apart(again[begin : begin + PART]) for begin in range(0, len(again), PART)]
    return float(apart(np.ones((1, len(tokens))))[0]), np.concatenate(redrawn)


def _counted(tokens: np.ndarray, others: np.ndarray, n: int) -> tuple[np.ndarray, ...]:
    """[P] text, n-gram and count of each pair that occurs in the N; [U + 1] the counts of the others, in the last place
    of all n-grams that the N have not: they add the same together as each alone."""
    found = ngrams(np.concatenate([tokens, others]), n)
    known, place = np.unique(found[: len(tokens)], return_inverse=True)
    every = np.arange(len(tokens))[:, None] * len(known) + place.reshape(len(tokens), -1)
    pairs, counts = np.unique(every, return_counts=True)
    there = np.bincount(found[len(tokens) :].ravel(), minlength=int(found.max()) + 1)
    rest = there.sum() - there[known].sum()
    return pairs // len(known), pairs % len(known), counts, np.append(there[known], rest)


def _xlogx(p: np.ndarray) -> np.ndarray:
    """p log2 p, 0 where p is."""
    return p * np.log2(np.where(p > 0, p, 1))
