"""Jensen-Shannon divergence between the n-gram distributions of two sets of texts, in bits, from 0 to 1.

Lin 1991, "Divergence measures based on the Shannon entropy", eq. 4.1, with equal weights and logarithms to base 2.

Shapes: N texts and M others of L tokens each, U distinct n-grams of the N, P pairs of a text and one of its n-grams,
R resamples.
"""

import numpy as np

from .diversity import ngrams

CHUNK = 64
"""Resamples computed at once."""


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """[...] bits, between the distributions of the counts p and q [..., U]; 0 for equal ones, 1 for disjoint ones."""
    p, q = (counts / counts.sum(-1, keepdims=True) for counts in (p, q))
    return ((_xlogx(p) + _xlogx(q)) / 2 - _xlogx((p + q) / 2)).sum(-1)


def divergence(tokens: np.ndarray, others: np.ndarray, n: int, again: np.ndarray) -> tuple[float, np.ndarray]:
    """Bits between the n-grams of tokens [N, L] and those of others [M, L], and [R] for resamples of the N texts.

    again: [R, N] float64, how often each resample has each text.
    """
    texts, grams, counts, there = _counted(tokens, others, n)

    def apart(weights: np.ndarray) -> np.ndarray:
        """Of weights [R, N]."""
        here = [np.bincount(grams, row[texts] * counts, len(there)) for row in weights]
        return jensen_shannon(np.stack(here), there)

    redrawn = [apart(again[begin : begin + CHUNK]) for begin in range(0, len(again), CHUNK)]
    return float(apart(np.ones((1, len(tokens))))[0]), np.concatenate([np.empty(0), *redrawn])


def _counted(tokens: np.ndarray, others: np.ndarray, n: int) -> tuple[np.ndarray, ...]:
    """[P] text, n-gram and count of each pair that occurs in the N; [U + 1] counts of the others, the last one
    for all n-grams that the N lack: pooled they contribute the same to the divergence as separately."""
    found = ngrams(np.concatenate([tokens, others]), n)
    known, place = np.unique(found[: len(tokens)], return_inverse=True)
    every = np.arange(len(tokens))[:, None] * len(known) + place.reshape(len(tokens), -1)
    pairs, counts = np.unique(every, return_counts=True)
    there = np.bincount(found[len(tokens) :].ravel(), minlength=int(found.max()) + 1)
    rest = there.sum() - there[known].sum()
    return pairs // len(known), pairs % len(known), counts, np.append(there[known], rest)


def _xlogx(p: np.ndarray) -> np.ndarray:
    """p log2 p, 0 at p = 0."""
    return p * np.log2(np.where(p > 0, p, 1))
