"""Curriculum by token frequency: from common tokens to rare ones.

Documents are ranked by the mean surprisal of their tokens under a unigram model, and share rows only with documents of
similar rank (Platanios et al. 2019, "Competence-based curriculum learning for neural machine translation", section 2.1,
which uses word rarity).
"""

from typing import Annotated

import numpy as np
from numba import njit
from pydantic import Field

from ...settings import settings
from ...settings.bounds import PositiveInt, Size
from ...text.shards.shards import Shards
from ..order import Order, shuffled_range, shuffled_within


@njit(cache=True)
def _mean(of_token: np.ndarray, tokens: np.ndarray, offsets: np.ndarray, mean: np.ndarray) -> None:
    for d in range(len(mean)):
        total = 0.0
        for i in range(offsets[d], offsets[d + 1]):
            total += of_token[tokens[i]]
        mean[d] = total / max(1, offsets[d + 1] - offsets[d])


@settings
class EasyFirst(Order):
    """Rows of common tokens before rows of rare ones."""

    levels: Annotated[Size, Field(ge=2)] = 10
    """Difficulty levels with equally many tokens; within a level rows are shuffled."""
    epochs: PositiveInt | None = None
    """Epochs that go from easy to hard; later ones are shuffled. Null orders all epochs."""

    def groups(self, shards: Shards) -> np.ndarray:
        train = shards.train
        counts = train.counts(shards.vocabulary.size)
        surprise = np.log(counts.sum() / np.maximum(counts, 1))
        rarity = np.empty(len(train.hashes))
        _mean(surprise, train.tokens, train.offsets, rarity)
        order, sizes = np.argsort(rarity, kind="stable"), np.diff(train.offsets)
        before = np.cumsum(sizes[order]) - sizes[order]
        level = np.empty(len(order), np.int64)
        level[order] = before * self.levels // sizes.sum()
        return np.unique(level, return_inverse=True)[1]

    def rows_at(self, begin: int, end: int, groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        epochs, rows = shuffled_range(begin, end, int(groups[-1]), seed)
        turn = np.arange(begin, end) % groups[-1]
        ordered = np.ones(len(turn), bool) if self.epochs is None else epochs < self.epochs
        level = np.searchsorted(groups, turn, side="right") - 1
        for number in np.unique(level[ordered]):
            mine = ordered & (level == number)
            size = groups[number + 1] - groups[number]
            rows[mine] = shuffled_within(groups, number, epochs[mine] * size + turn[mine] - groups[number], seed)[1]
        return epochs, rows

    def describe(self, groups: np.ndarray) -> str:
        for_now = "" if self.epochs is None else f" for {self.epochs} epochs"
        return f"from common words to rare ones in {len(groups) - 1} parts{for_now}"
