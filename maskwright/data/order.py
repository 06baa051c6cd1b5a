"""The order of rows, as a function: which one stands at which place. A file of `orders/` is an order by name.

A Feistel network over the next power of four, walked until it lands inside (Black and Rogaway 2002, "Ciphers with
arbitrary finite domains"). Nothing is stored, so resuming anywhere costs nothing and any number of rows fits in memory.
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
    """The epoch and the row at each of `places` ([N] int64) of an endless run through `length` rows.

    Place p lies in epoch p // length; within an epoch every row comes once, in an order of its own.
    Returns two [N] int64 arrays: epochs, rows.
    """
    epochs, rows = np.empty_like(places), np.empty_like(places)
    half = max(1, ((length - 1).bit_length() + 1) // 2)
    _shuffle(places, length, half, base_key(seed, "order"), epochs, rows)
    return epochs, rows


def places(begin: int, end: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What is `shuffled` to the places from `begin` to `end`."""
    return shuffled(np.arange(begin, end), length, seed)


def within(groups: np.ndarray, group: int, places: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What is `shuffled` to `places` ([N] int64) of an endless run through the rows of one group alone.

    groups: [G + 1] int64, where the rows of each begin.
    """
    begin, end = groups[group : group + 2]
    epochs, rows = shuffled(places, int(end - begin), address(seed, "group", group))
    return epochs, begin + rows


@settings
class Order:
    """Every row once an epoch, in an order of its own. Others part documents into groups, and say how these go."""

    @property
    def steady(self) -> bool:
        """Whether every epoch has every row once."""
        return True

    def groups(self, shards: Shards) -> np.ndarray | None:
        """[D] int64, the group of each training document: those of two never share a row, and -1 is left out.

        None where all may share a row. Raises ValueError for what the text does not have.
        """
        return None

    def places(self, begin: int, end: int, groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The row at each place from `begin` to `end`, and how often it was gone through before, as [N] int64 each.

        groups: [G + 1] int64, where the rows of each group begin. An epoch is as many places as there are rows.
        """
        return places(begin, end, int(groups[-1]), seed)

    def describe(self, groups: np.ndarray) -> str:
        """What a user should hear of it before the run; by default nothing."""
        return ""
