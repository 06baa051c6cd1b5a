"""Texts that are read forward, with shared prefixes computed once: each row holds prefix trees of texts.

A tree is written in preorder. A position may attend to earlier positions whose branch has not ended, which is exactly
the prefix of its own text, as if it had a row to itself.

Shapes: N texts of at most L tokens, U targets, R rows of W positions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from torch import Tensor

WIDTH = 64
"""Positions of a row unless a text is longer. Wider rows share more prefixes, but waste more masked-out attention."""


@dataclass(frozen=True)
class Reading:
    """Rows for a model, and the positions whose hidden states are needed."""

    tokens: Tensor
    """[R, W] int64."""
    mask: Tensor
    """[R, 1, W, W] bool, True = may attend."""
    positions: Tensor
    """[R, W] int64, position in its text."""
    asked: Tensor
    """[n] int64, positions in the flattened [R · W]."""
    question: Tensor
    """[n] int64, which of the U targets each belongs to."""


def readings(texts: Tensor, asked: Tensor, tokens: int, width: int) -> Iterator[Reading]:
    """Rows for the positions `asked` [U] of the flattened `texts` [N, L], about `tokens` positions at a time.

    Tokens behind the last asked position of a text are not read.  width: of a row, if all texts fit.
    """
    text, place = np.divmod(asked.numpy(), texts.shape[1])
    sizes = np.zeros(len(texts), np.int64)
    np.maximum.at(sizes, text, place + 1)
    trees = _trees(texts.numpy(), sizes, width)
    row, column = trees.where[:, text, place]
    widest = (-trees.used).argsort(kind="stable")  # rows of similar width together
    row = widest.argsort()[row]
    begin = 0
    while begin < len(widest):
        wide = int(trees.used[widest[begin]])
        chosen = widest[begin : begin + max(1, tokens // wide)]
        question = np.flatnonzero((row >= begin) & (row < begin + len(chosen)))
        inside, positions, until = trees.rows[:, chosen, :wide]
        at = np.arange(wide)
        seen = (at <= at[:, None]) & (at[:, None] < until[:, None])  # [R, W, W]
        places = (row[question] - begin) * wide + column[question]
        yield Reading(*map(torch.from_numpy, (inside, seen[:, None], positions, places, question)))
        begin += len(chosen)


@dataclass(frozen=True)
class _Trees:
    rows: np.ndarray
    """[3, R, W] int64: tokens, positions, and the end of the branch that starts at each; padding is a branch."""
    used: np.ndarray
    """[R] int64, how much of each row is used."""
    where: np.ndarray
    """[2, N, L] int64, the row and column of each position of each text."""


def _trees(texts: np.ndarray, sizes: np.ndarray, width: int) -> _Trees:
    """The first `sizes` [N] tokens of `texts` [N, L]."""
    count, length = texts.shape
    order = np.lexsort(np.where(np.arange(length) < sizes[:, None], texts, -1).T[::-1])
    rows = np.zeros((3, count, max(width, sizes.max())), np.int64)
    rows[2] = 1 + np.arange(rows.shape[2])
    used, where = np.zeros(count, np.int64), np.zeros((2, count, length), np.int64)
    made = _plant(texts, sizes, order, rows, used, where)
    return _Trees(rows[:, :made], used[:made], where)


@njit(cache=True, nogil=True)
def _plant(
    texts: np.ndarray, sizes: np.ndarray, order: np.ndarray, rows: np.ndarray, used: np.ndarray, where: np.ndarray
) -> int:
    """Write texts into rows, each behind the previous one in `order` if it fits; returns the number of rows used."""
    tokens, positions, until = rows
    row, last = 0, order[0]
    for text in order:
        size, shared = sizes[text], 0
        while shared < min(size, sizes[last]) and texts[text, shared] == texts[last, shared]:
            shared += 1
        if used[row] + size - shared > tokens.shape[1]:
            row, shared = row + 1, 0
        if used[row] == 0:
            shared = 0
        where[:, text, :shared] = where[:, last, :shared]
        for i in range(shared, size):
            column = used[row]
            tokens[row, column], positions[row, column] = texts[text, i], i
            where[0, text, i], where[1, text, i] = row, column
            used[row] += 1
        for i in range(size):
            until[row, where[1, text, i]] = used[row]
        last = text
    return row + 1
