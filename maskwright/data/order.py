"""The order of an epoch, as a function: which row stands at which place.

A Feistel network over the next power of four, walked until it lands inside (Black and Rogaway 2002, "Ciphers with
arbitrary finite domains"). Nothing is stored, so resuming anywhere costs nothing and any number of rows fits in memory.
"""

import numpy as np
from numba import njit

from ..noise import absorb, base_key, draw

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
def _shuffle(
    begin: int, end: int, length: int, half: int, base: np.uint64, epochs: np.ndarray, rows: np.ndarray
) -> None:
    for i in range(end - begin):
        epoch = (begin + i) // length
        key = absorb(base, np.uint64(epoch))
        row = _encrypt((begin + i) % length, half, key)
        while row >= length:
            row = _encrypt(row, half, key)
        epochs[i], rows[i] = epoch, row


def places(begin: int, end: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The epoch and the row at places `begin` to `end` of an endless run through `length` rows.

    Place p lies in epoch p // length; within an epoch every row comes once, in an order of its own.
    Returns two [end - begin] int64 arrays: epochs, rows.
    """
    epochs, rows = np.empty(end - begin, np.int64), np.empty(end - begin, np.int64)
    half = max(1, ((length - 1).bit_length() + 1) // 2)
    _shuffle(begin, end, length, half, base_key(seed, "order"), epochs, rows)
    return epochs, rows
