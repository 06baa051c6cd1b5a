"""Compiled kernels that choose which positions of a row are masked.

Shapes: B rows, L positions. Rows are split among threads, which changes nothing: every draw has an address. A *unit* is
what is chosen together: the positions of a row with the same number (1, 2, ...) in `group`; 0 is never chosen.
"""

import numpy as np
from numba import njit

from ..noise import below, draw, fraction
from .parallel import by_rows

IGNORE = -100
"""The target of a position without one, as in torch's cross-entropy."""
BYTE_INDEX = np.uint64(0x0001_0203_0405_0607)
"""Multiplied by 256^n, its upper byte is n."""

_1, _56 = np.uint64(1), np.uint64(56)


@njit(cache=True, nogil=True)
def _count(group: np.ndarray) -> int:
    total = np.int32(0)  # as wide as the group's numbers, so that the loop vectorises
    for i in range(len(group)):
        total += np.int32(group[i] > 0)
    return int(total)


@njit(cache=True, nogil=True)
def count(group: np.ndarray) -> np.ndarray:
    """[B] int64, how many positions of each row can be chosen; group: [B, L] int32."""
    counts = np.empty(len(group), np.int64)
    for b in range(len(group)):
        counts[b] = _count(group[b])
    return counts


@njit(cache=True, nogil=True)
def _row_budgets(b0, b1, group, mask_ratio, minimum, turns, keys, budget, first):
    for b in range(b0, b1):
        n_maskable, u = _count(group[b]), fraction(draw(keys[b], 0))
        each = max(n_maskable * mask_ratio, np.float64(min(n_maskable, minimum)))
        # systematic rounding: one u per cycle, so that budgets of its epochs add up and each has mean `each`
        begin, end = int(each * turns[b] + u), int(each * (turns[b] + 1) + u)
        budget[b], first[b] = end - begin, begin % max(n_maskable, 1)


def row_budgets(
    group: np.ndarray, mask_ratio: float, minimum: int, turns: np.ndarray, keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many positions each row masks, and where in the row's random order they begin: two [B] int64.

    The budget is `mask_ratio` times the maskable positions, at least `minimum`, rounded up or down at random so that
    its mean is exact. Successive turns take successive stretches of the order.
    group: [B, L] int32. turns: [B] int64, the epoch within a cycle. keys: [B] uint64.
    """
    budget, first = np.empty(len(group), np.int64), np.empty(len(group), np.int64)
    by_rows(_row_budgets, *group.shape, group, mask_ratio, minimum, turns, keys, budget, first)
    return budget, first


@njit(cache=True, nogil=True)
def nonzero(flags: np.ndarray, places: np.ndarray) -> int:
    """Write the indices of set flags and return how many there are. flags: [N] bool, N a multiple of 8."""
    words, n = flags.view(np.uint64), 0  # eight flags at a time: where few are set, most words are skipped whole
    for w in range(len(words)):
        left = words[w]
        while left > 0:
            lowest = left & (~left + _1)
            places[n] = 8 * w + np.int64((lowest * BYTE_INDEX) >> _56)
            n += 1
            left ^= lowest
    return n


@njit(cache=True, nogil=True)
def _shuffle(key: np.uint64, order: np.ndarray, bits: np.ndarray, k: int, n: int) -> None:
    """Write a random order of 0 ... n - 1, of which only the first `k` are settled (Fisher-Yates)."""
    for i in range(len(order)):
        order[i] = i
    for j in range(k):  # in a loop of its own: the draws are independent and vectorise, the swaps do not
        bits[j] = draw(key, j)
    for j in range(k):
        r = j + below(bits[j], n - j)
        order[j], order[r] = order[r], order[j]


@njit(cache=True, nogil=True)
def _select_tokens(b0, b1, group, budget, first, keys, units):
    length = group.shape[1]
    order, bits = np.empty(length, np.uint32), np.empty(length, np.uint64)
    excluded, gaps = np.zeros(length // 8 * 8 + 8, np.bool_), np.empty(length, np.uint32)
    for b in range(b0, b1):
        row, chosen = group[b], units[b]
        for i in range(length):
            excluded[i] = row[i] == 0
        n_gaps = nonzero(excluded, gaps)
        n_maskable, end = length - n_gaps, first[b] + budget[b]
        k = min(end, n_maskable)
        # maskable positions are shuffled by rank, so that the amount of padding cannot change the draw
        _shuffle(keys[b], order, bits, k, n_maskable)
        for gap in gaps[:n_gaps]:  # from ranks to positions: step over each gap, from left to right
            for j in range(k):
                order[j] += np.uint32(order[j] >= gap)
        chosen[:] = 0
        for j in range(first[b], k):
            chosen[order[j]] = j - first[b] + 1
        for j in range(n_maskable, end):  # the order is a circle: past its end it goes on from its beginning
            chosen[order[j - n_maskable]] = j - first[b] + 1


def select_tokens(group: np.ndarray, budget: np.ndarray, first: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Choose positions uniformly at random, without replacement.

    group: [B, L] int32, 0 for what is never chosen. keys: [B] uint64.
    budget, first: [B] int64, the stretch of the row's random order that is chosen; the order is a circle.
    Returns [B, L] int32: 0, or the number of the unit in the order in which units were chosen.
    """
    units = np.empty_like(group)
    by_rows(_select_tokens, *group.shape, group, budget, first, keys, units)
    return units


@njit(cache=True, nogil=True)
def find_units(group: np.ndarray, start: np.ndarray, size: np.ndarray) -> int:
    """Write where a row's units start and how many positions they have; returns how many units there are."""
    n_units, passed, before = 0, 0, np.int32(0)
    for i in range(len(group)):
        here = group[i]
        start[n_units], size[n_units] = i, passed  # overwritten until a unit begins here: no branch
        n_units += (here > 0) & (here != before)
        passed += here > 0
        before = here if here > 0 else before
    for j in range(n_units):  # from maskable positions before a unit to positions in it
        size[j] = (size[j + 1] if j + 1 < n_units else passed) - size[j]
    return n_units


@njit(cache=True, nogil=True)
def mark_unit(group: np.ndarray, i: int, low: int, high: int, number: int, units: np.ndarray) -> None:
    """Write `number` to positions `low` to `high` of the unit that starts at `i`, stepping over special tokens."""
    passed = 0
    while passed < high:
        if group[i] > 0:
            if passed >= low:
                units[i] = number
            passed += 1
        i += 1


@njit(cache=True, nogil=True)
def _swap(start: np.ndarray, size: np.ndarray, j: int, r: int) -> None:
    start[j], start[r] = start[r], start[j]
    size[j], size[r] = size[r], size[j]


@njit(cache=True, nogil=True)
def _select_spans_fitting(b0, b1, group, budget, keys, force_at_least_one, units):
    start, size = np.empty(group.shape[1], np.int32), np.empty(group.shape[1], np.int32)
    for b in range(b0, b1):
        units[b] = 0
        n_units = find_units(group[b], start, size)
        left, number = budget[b], 0
        for j in range(n_units):
            if left == 0:
                break
            _swap(start, size, j, j + below(draw(keys[b], j), n_units - j))
            if size[j] <= left:
                number += 1
                left -= size[j]
                mark_unit(group[b], start[j], 0, size[j], number, units[b])
        if force_at_least_one and number == 0 and left > 0:
            mark_unit(group[b], start[0], 0, size[0], 1, units[b])


def select_spans_fitting(
    group: np.ndarray, budget: np.ndarray, keys: np.ndarray, force_at_least_one: bool
) -> np.ndarray:
    """Choose whole units in random order, skipping those that are larger than what is left of the budget.

    force_at_least_one: where no unit fits, choose the first of the order anyway. The rest as in `select_tokens`.
    """
    units = np.empty_like(group)
    by_rows(_select_spans_fitting, *group.shape, group, budget, keys, force_at_least_one, units)
    return units


@njit(cache=True, nogil=True)
def _select_spans_cyclic(b0, b1, group, budget, first, keys, whole, force_at_least_one, units):
    start, size = np.empty(group.shape[1], np.int32), np.empty(group.shape[1], np.int32)
    for b in range(b0, b1):
        units[b] = 0
        n_units = find_units(group[b], start, size)
        end, place, number, j = first[b] + budget[b], 0, 0, 0
        while place < end:
            if j < n_units:  # shuffled as far as needed; past the last unit the circle begins again
                _swap(start, size, j, j + below(draw(keys[b], j), n_units - j))
            u = j % n_units
            low, high = max(first[b] - place, 0), min(end - place, size[u])
            if whole:  # a unit belongs to the stretch in which it begins, so that over a cycle each is chosen once
                last = number == 0 and place + size[u] >= end
                low, high = 0, size[u] if low == 0 or (force_at_least_one and last) else 0
            if low < high:
                number += 1
                mark_unit(group[b], start[u], low, high, number, units[b])
            place += size[u]
            j += 1


def select_spans_cyclic(
    group: np.ndarray, budget: np.ndarray, first: np.ndarray, keys: np.ndarray, whole: bool, force_at_least_one: bool
) -> np.ndarray:
    """Lay units end to end in random order, on a circle, and choose the stretch from `first` to `first + budget`.

    whole: choose the units that begin in the stretch; otherwise cut the first and the last to fit.
    force_at_least_one: where no unit begins in it, choose the one that covers it anyway. The rest as in
    `select_tokens`.
    """
    units = np.empty_like(group)
    by_rows(_select_spans_cyclic, *group.shape, group, budget, first, keys, whole, force_at_least_one, units)
    return units


@njit(cache=True, nogil=True)
def _random_tiling(b0, b1, word, keys, max_length, group):
    for b in range(b0, b1):
        group[b], place, number = 0, 0, 0
        while place < word.shape[1]:
            group[b, place] = 1
            place += 1 + below(draw(keys[b], number), max_length)
            number += 1
        number = 0
        for i in range(word.shape[1]):
            number += group[b, i] | (word[b, i] == 0)  # a new tile begins here, or a special token ends the last
            group[b, i] = number if word[b, i] > 0 else 0


def random_tiling(word: np.ndarray, keys: np.ndarray, max_length: int) -> np.ndarray:
    """[B, L] int32, tiles of lengths uniform from 1 to `max_length`; special tokens cut them in two."""
    group = np.empty_like(word)
    by_rows(_random_tiling, *word.shape, word, keys, max_length, group)
    return group


@njit(cache=True, nogil=True)
def _select_random_spans(b0, b1, word, budget, keys, cdf, units):
    max_length = len(cdf)
    for b in range(b0, b1):
        units[b] = 0
        length = word.shape[1]
        while length > 0 and word[b, length - 1] == 0:  # so that the amount of padding cannot change the draw
            length -= 1
        left, number = budget[b], 0
        while left > 0:
            u = fraction(draw(keys[b], 2 * number))
            size = 1
            while size < max_length and u >= cdf[size - 1]:
                size += 1
            size = min(size, left)
            # from size - 1 before the row: only so is its first position covered as often as any other
            begin = below(draw(keys[b], 2 * number + 1), length + size - 1) - (size - 1)
            number += 1
            for i in range(max(begin, 0), min(begin + size, length)):
                if word[b, i] > 0 and units[b, i] == 0:
                    units[b, i] = number
                    left -= 1


def select_random_spans(word: np.ndarray, budget: np.ndarray, keys: np.ndarray, cdf: np.ndarray) -> np.ndarray:
    """Choose spans at random positions, which may overlap or reach beyond the row, until the budget is spent.

    Reaching beyond the row makes every position equally likely, the first and the last included; a position counts
    once. A span longer than what is left of the budget is shortened before its position is drawn.
    cdf: [S] float32, the cumulative probabilities of the lengths 1 to S. The rest as in `select_tokens`.
    """
    units = np.empty_like(word)
    by_rows(_select_random_spans, *word.shape, word, budget, keys, cdf, units)
    return units
