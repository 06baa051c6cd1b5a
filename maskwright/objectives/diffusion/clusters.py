"""Compiled kernels that mask tokens in clusters or in a given number of spans; both meet the budget exactly.

Shapes: B rows, L positions. word: [B, L] int32, 0 for what is never masked. budget: [B] int64. keys: [B] uint64.
"""

import numpy as np
from numba import njit

from ...masking.parallel import by_rows
from ...noise import below, draw, fraction


@njit(cache=True, nogil=True)
def _remove(pool, size, index, i):
    """Remove `i` from the first `size` entries of `pool` in O(1): the last takes its slot. index: the slot of each."""
    last = pool[size - 1]
    pool[index[i]] = last
    index[last] = index[i]


@njit(cache=True, nogil=True)
def _grow(word, budget, key, far, near, units):
    """Mask one row token by token, from two pools: the neighbours of masked tokens, and the others."""
    length = len(word)
    pools, index = np.empty((2, length), np.int32), np.empty(length, np.int32)
    beside = np.zeros(length, np.int32)
    sizes = np.zeros(2, np.int64)
    for i in range(length):
        units[i] = 0
        if word[i] > 0:
            pools[0, sizes[0]], index[i] = i, sizes[0]
            sizes[0] += 1
    for j in range(min(budget, sizes[0])):
        apart, close = far * sizes[0], near * sizes[1]
        if apart + close == 0:  # all that is left has weight 0: uniform, so that the budget is still met
            apart, close = sizes[0] * 1.0, sizes[1] * 1.0
        side = 1 if fraction(draw(key, 2 * j)) * (apart + close) >= apart and sizes[1] > 0 else 0
        i = pools[side, below(draw(key, 2 * j + 1), sizes[side])]
        _remove(pools[side], sizes[side], index, i)
        sizes[side] -= 1
        units[i] = 1
        for other in (i - 1, i + 1):
            if 0 <= other < length and word[other] > 0 and units[other] == 0 and beside[other] == 0:
                _remove(pools[0], sizes[0], index, other)
                sizes[0] -= 1
                pools[1, sizes[1]] = other
                index[other] = sizes[1]
                sizes[1] += 1
                beside[other] = 1


@njit(cache=True, nogil=True)
def _sticky(b0, b1, word, budget, keys, far, near, units):
    for b in range(b0, b1):
        _grow(word[b], budget[b], keys[b], far, near, units[b])


def sticky(word: np.ndarray, budget: np.ndarray, keys: np.ndarray, far: float, near: float) -> np.ndarray:
    """Choose tokens one by one, with weight `near` where a neighbour is already chosen and `far` elsewhere.

    Where all that is left has weight 0, the choice is uniform. Returns [B, L] int32, 1 where chosen.
    """
    units = np.empty_like(word)
    by_rows(_sticky, *word.shape, word, budget, keys, far, near, units)
    return units


@njit(cache=True, nogil=True)
def _spread(b0, b1, word, budget, keys, spans, units):
    place = np.empty(word.shape[1], np.int32)
    for b in range(b0, b1):
        units[b], n = 0, 0
        for i in range(word.shape[1]):
            place[n] = i
            n += word[b, i] > 0
        hidden = min(budget[b], n)
        shown = n - hidden
        todo = min(spans, hidden, shown + 1)  # spans are separated by at least one visible token
        cuts, turn, at, used = todo - 1, 0, 0, 0
        for slot in range(shown + 1):  # spans lie before some of the visible tokens, or after the last
            if below(draw(keys[b], turn), shown + 1 - slot) < todo:
                todo -= 1
                while used < hidden:
                    units[b, place[at]] = 1
                    at, used, turn = at + 1, used + 1, turn + 1
                    if used < hidden and below(draw(keys[b], turn), hidden - used) < cuts:
                        cuts -= 1
                        break
            at, turn = at + 1, turn + 1


def spread(word: np.ndarray, budget: np.ndarray, keys: np.ndarray, spans: int) -> np.ndarray:
    """Choose `budget` tokens in `spans` spans (fewer where they do not fit), uniformly among all such choices.

    Returns [B, L] int32, 1 where chosen.
    """
    units = np.empty_like(word)
    by_rows(_spread, *word.shape, word, budget, keys, spans, units)
    return units
