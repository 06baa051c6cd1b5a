"""How far the n-grams of some texts are from those of others: Jensen-Shannon divergence in bits, from 0 to 1.

Lin 1991, "Divergence measures based on the Shannon entropy", eq. 4.1, with equal weights and logarithms to base 2.

Shapes: N texts and M others of L tokens each, U different n-grams of the N, R resamples.
"""

import numpy as np

from .variety import ngrams

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
    counts, there, rest = _counted(tokens, others, n)
    whole = there.sum() + rest

    def apart(weights: np.ndarray) -> np.ndarray:
        """Of weights [R, N]; n-grams that no text has add half their share, each."""
        here = weights @ counts  # [R, U]
        p, q = here / here.sum(1, keepdims=True), there / whole
        return ((_xlogx(p) + _xlogx(q)) / 2 - _xlogx((p + q) / 2)).sum(1) + rest / whole / 2

    redrawn = [apart(again[begin : begin + PART]) for begin in range(0, len(again), PART)]
    return float(apart(np.ones((1, len(tokens))))[0]), np.concatenate(redrawn)


def _counted(tokens: np.ndarray, others: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, float]:
    """[N, U] float32, each text's count of each n-gram that the N have; [U] that of the others, and of all else."""
    grams = ngrams(np.concatenate([tokens, others]), n)
    known, place = np.unique(grams[: len(tokens)], return_inverse=True)
    texts = np.arange(len(tokens))[:, None] * len(known) + place.reshape(len(tokens), -1)
    counts = np.bincount(texts.ravel(), minlength=len(tokens) * len(known)).reshape(len(tokens), -1)
    every = np.bincount(grams[len(tokens) :].ravel(), minlength=int(grams.max()) + 1)
    there = every[known].astype(np.float64)
    return counts.astype(np.float32), there, float(every.sum() - there.sum())


def _xlogx(p: np.ndarray) -> np.ndarray:
    """p log2 p, 0 where p is."""
    return p * np.log2(np.where(p > 0, p, 1))
