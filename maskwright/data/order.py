"""The order of rows, as a function from place to row. The files in `orders/` are the orders.

Shuffling uses a Feistel network over the next power of four, applied until the result is in range (cycle walking; Black
and Rogaway 2002, "Ciphers with arbitrary finite domains"). It is a permutation that is computed, not stored: resuming
anywhere is free, and any number of rows fits in memory.
"""

import numpy as np
from numba import njit

from ..noise import absorb, address, base_key, draw
from ..settings import settings
from ..text.shards.shards import Shards

ROUNDS = 6


@njit(cache=True, nogil=True)
def _encrypt(x: int, half: int, key: np.uint64) -> int:
    low = (1 << half) - 1
    left, right = x >> half, x & low
    for r in range(ROUNDS):
        bits = np.int64(draw(key, right * ROUNDS + r) >> np.uint64(33))
        left, right = right, left ^ int(bits & low)
    return left << half | right


@njit(cache=True, nogil=True)
def _shuffle(places: np.ndarray, length: int, half: int, base: np.uint64, epochs: np.ndarray, rows: np.ndarray) -> None:
    for i, place in enumerate(places):
        epoch = place // length
        key = absorb(base, np.uint64(epoch))
        row = _encrypt(place % length, half, key)
        while row >= length:
            row = _encrypt(row, half, key)
        epochs[i], rows[i] = epoch, row


def shuffled(places: np.ndarray, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The epoch and row at each of `places` ([N] int64) in an endless sequence of shuffled passes over `length` rows.

    Place p lies in epoch p // length; every epoch is another permutation. Returns two [N] int64 arrays: epochs, rows.
    """
    epochs, rows = np.empty_like(places), np.empty_like(places)
    half = max(1, ((length - 1).bit_length() + 1) // 2)
    _shuffle(places, length, half, base_key(seed, "order"), epochs, rows)
    return epochs, rows


def shuffled_range(begin: int, end: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`shuffled` for places `begin` to `end`."""
    return shuffled(np.arange(begin, end), length, seed)


def shuffled_within(groups: np.ndarray, group: int, places: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`shuffled` for `places` ([N] int64) of an endless sequence over the rows of one group.

    groups: [G + 1] int64, the first row of each group.
    """
    begin, end = groups[group : group + 2]
    epochs, rows = shuffled(places, int(end - begin), address(seed, "group", group))
    return epochs, begin + rows


@settings
class Order:
    """Every row once per epoch, shuffled differently each epoch. Subclasses divide documents into groups and order
    those."""

    @property
    def covers_every_row(self) -> bool:
        """Whether every epoch contains every row exactly once."""
        return True

    def groups(self, shards: Shards) -> np.ndarray | None:
        """[D] int64, the group of each training document; documents of different groups never share a row; -1 leaves
        one out.

        None when any documents may share a row. Raises ValueError for settings that the corpus cannot satisfy.
        """
        return None

    def rows_at(self, begin: int, end: int, groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The epoch and row at each place from `begin` to `end`, [N] int64 each; the epoch counts passes over that row.

        groups: [G + 1] int64, the first row of each group. An epoch has as many places as there are rows.
        """
        return shuffled_range(begin, end, int(groups[-1]), seed)

    def describe(self, groups: np.ndarray) -> str:
        """A line shown before training; empty by default."""
        return ""
