"""Texts that are read forward, what several of them begin with once: a row of a model holds a tree of texts.

A tree is written down branch after branch, in the order of its tokens (a trie in preorder). A position sees those that
are before it and whose branch has not ended: what its own text begins with, as in a row of its own, and nothing else.

Shapes: N texts of at most L tokens, U questions, R rows of W positions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from torch import Tensor

WIDTH = 64
"""Positions of a row where no text is longer: in wider ones more is shared, and more is looked at in vain."""


@dataclass(frozen=True)
class Reading:
    """Rows for a model, and what is asked of them."""

    tokens: Tensor
    """[R, W] int64."""
    mask: Tensor
    """[R, 1, W, W] bool, True = may attend."""
    positions: Tensor
    """[R, W] int64, the place in its text."""
    asked: Tensor
    """[n] int64, places in the flattened [R · W]."""
    question: Tensor
    """[n] int64, which of the U questions each of them answers."""


def readings(texts: Tensor, asked: Tensor, tokens: int, width: int) -> Iterator[Reading]:
    """The questions `asked` [U], places in the flattened `texts` [N, L], about `tokens` positions at a time.

    What stands behind the last question of a text is not read.  width: of a row, where all texts fit.
    """
    text, place = np.divmod(asked.numpy(), texts.shape[1])
    sizes = np.zeros(len(texts), np.int64)
    np.maximum.at(sizes, text, place + 1)
    trees = _trees(texts.numpy(), sizes, width)
    row, column = trees.where[:, text, place]
    widest = (-trees.used).argsort(kind="stable")  # rows of about one width go together
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
    """[3, R, W] int64: tokens, positions, and where the branch ends that each opens; what fills a row opens its own."""
    used: np.ndarray
    """[R] int64, how much of each row is written."""
    where: np.ndarray
    """[2, N, L] int64, the row and the column in which a place of a text is."""


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
    """Write texts into rows, each behind the one before it in `order` if it fits; returns how many rows are begun."""
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
