"""The loops of masking, compiled: which positions of a row are chosen.

Shapes: B rows, L positions. Rows are shared out to threads, which changes nothing: every draw has an address. A *unit*
is what is chosen together: the positions of a row that carry the same number (1, 2, ...) in `group`; 0 is never chosen.
"""

import numpy as np
from numba import njit

from ..noise import below, draw, fraction
from .parallel import by_rows

IGNORE = -100
"""The target of a position that is not asked."""
PLACES = np.uint64(0x0001_0203_0405_0607)
"""Times a word with one byte that is 1: the upper byte tells which."""

_1, _56 = np.uint64(1), np.uint64(56)


@njit(cache=True, nogil=True)
def _count(group: np.ndarray) -> int:
    some = np.int32(0)
    for i in range(len(group)):
        some += np.int32(group[i] > 0)
    return int(some)


@njit(cache=True, nogil=True)
def count(group: np.ndarray) -> np.ndarray:
    """[B] int64, how many positions of each row can be chosen; group: [B, L] int32."""
    found = np.empty(len(group), np.int64)
    for b in range(len(group)):
        found[b] = _count(group[b])
    return found


@njit(cache=True, nogil=True)
def _row_budgets(b0, b1, group, rate, least, turns, lucks, budget, first):
    for b in range(b0, b1):
        known, luck = _count(group[b]), fraction(draw(lucks[b], 0))
        each = max(known * rate, np.float64(min(known, least)))
        begin, end = int(each * turns[b] + luck), int(each * (turns[b] + 1) + luck)
        budget[b], first[b] = end - begin, begin % max(known, 1)


def row_budgets(
    group: np.ndarray, rate: float, least: int, turns: np.ndarray, lucks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many places of each row's order are chosen, and the first of them, at each row's turn ([B] int64).

    The rate times the positions that can be chosen, at least `least` of them, rounded up or down by luck so that the
    mean is exact, and laid end to end over the turns. group: [B, L] int32. lucks: [B] uint64 keys. Returns two [B]
    int64.
    """
    budget, first = np.empty(len(group), np.int64), np.empty(len(group), np.int64)
    by_rows(_row_budgets, *group.shape, group, rate, least, turns, lucks, budget, first)
    return budget, first


@njit(cache=True, nogil=True)
def find(flags: np.ndarray, places: np.ndarray) -> int:
    """Write where flags are set, and return how many; fast where they are few. flags: [N] bool, N a multiple of 8."""
    eights, known = flags.view(np.uint64), 0
    for e in range(len(eights)):
        left = eights[e]
        while left > 0:
            lowest = left & (~left + _1)
            places[known] = 8 * e + np.int64((lowest * PLACES) >> _56)
            known += 1
            left ^= lowest
    return known


@njit(cache=True, nogil=True)
def _shuffle(key: np.uint64, order: np.ndarray, bits: np.ndarray, top: int, known: int) -> None:
    """Write the first `top` of the numbers below `known` in random order (Fisher and Yates)."""
    for i in range(len(order)):
        order[i] = i
    for j in range(top):
        bits[j] = draw(key, j)
    for j in range(top):
        r = j + below(bits[j], known - j)
        order[j], order[r] = order[r], order[j]


@njit(cache=True, nogil=True)
def _select_tokens(b0, b1, group, budget, first, keys, units):
    length = group.shape[1]
    order, bits = np.empty(length, np.uint32), np.empty(length, np.uint64)
    shut, gaps = np.zeros(length // 8 * 8 + 8, np.bool_), np.empty(length, np.uint32)
    for b in range(b0, b1):
        row, drawn = group[b], units[b]
        for i in range(length):
            shut[i] = row[i] == 0
        missing = find(shut, gaps)
        known, end = length - missing, first[b] + budget[b]
        top = min(end, known)
        _shuffle(keys[b], order, bits, top, known)
        for gap in gaps[:missing]:  # from the places among those that can be chosen to those in the row
            for j in range(top):
                order[j] += np.uint32(order[j] >= gap)
        drawn[:] = 0
        for j in range(first[b], top):
            drawn[order[j]] = j - first[b] + 1
        for j in range(known, end):  # the circle
            drawn[order[j - known]] = j - first[b] + 1


def select_tokens(group: np.ndarray, budget: np.ndarray, first: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Choose positions one by one in random order.

    group: [B, L] int32, 0 for what is never chosen. keys: [B] uint64.
    budget, first: [B] int64, how many places of the order are chosen and from which on; the order is a circle.
    Returns [B, L] int32: 0, or the number of the unit in the order in which units were chosen.
    """
    units = np.empty_like(group)
    by_rows(_select_tokens, *group.shape, group, budget, first, keys, units)
    return units


@njit(cache=True, nogil=True)
def cut(group: np.ndarray, start: np.ndarray, size: np.ndarray) -> int:
    """Write where a row's units start and how many positions they have; returns how many units there are."""
    known, passed, before = 0, 0, np.int32(0)
    for i in range(len(group)):
        here = group[i]
        start[known], size[known] = i, passed
        known += (here > 0) & (here != before)
        passed += here > 0
        before = here if here > 0 else before
    for j in range(known):
        size[j] = (size[j + 1] if j + 1 < known else passed) - size[j]
    return known


@njit(cache=True, nogil=True)
def take(group: np.ndarray, i: int, low: int, high: int, number: int, units: np.ndarray) -> None:
    """Give `number` to the positions `low` to `high` of the unit that starts at `i`."""
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
        known = cut(group[b], start, size)
        left, number = budget[b], 0
        for j in range(known):
            if left == 0:
                break
            _swap(start, size, j, j + below(draw(keys[b], j), known - j))
            if size[j] <= left:
                number += 1
                left -= size[j]
                take(group[b], start[j], 0, size[j], number, units[b])
        if force_at_least_one and number == 0 and left > 0:
            take(group[b], start[0], 0, size[0], 1, units[b])


def select_spans_fitting(
    group: np.ndarray, budget: np.ndarray, keys: np.ndarray, force_at_least_one: bool
) -> np.ndarray:
    """Choose whole units in random order, passing over those that are larger than what is left of the budget.

    force_at_least_one: where no unit is small enough, choose the first all the same. The rest as in `select_tokens`.
    """
    units = np.empty_like(group)
    by_rows(_select_spans_fitting, *group.shape, group, budget, keys, force_at_least_one, units)
    return units


@njit(cache=True, nogil=True)
def _select_spans_cyclic(b0, b1, group, budget, first, keys, whole, force_at_least_one, units):
    start, size = np.empty(group.shape[1], np.int32), np.empty(group.shape[1], np.int32)
    for b in range(b0, b1):
        units[b] = 0
        known = cut(group[b], start, size)
        end, place, number, j = first[b] + budget[b], 0, 0, 0
        while place < end:
            if j < known:
                _swap(start, size, j, j + below(draw(keys[b], j), known - j))
            u = j % known
            low, high = max(first[b] - place, 0), min(end - place, size[u])
            if whole:
                last = number == 0 and place + size[u] >= end
                low, high = 0, size[u] if low == 0 or (force_at_least_one and last) else 0
            if low < high:
                number += 1
                take(group[b], start[u], low, high, number, units[b])
            place += size[u]
            j += 1


def select_spans_cyclic(
    group: np.ndarray, budget: np.ndarray, first: np.ndarray, keys: np.ndarray, whole: bool, force_at_least_one: bool
) -> np.ndarray:
    """Lay units end to end in random order, on a circle, and choose the places `first` to `first + budget`.

    whole: choose the units that begin there; otherwise cut the first and the last.
    force_at_least_one: where no unit begins there, choose the one that covers it all the same. The rest as in
    `select_tokens`.
    """
    units = np.empty_like(group)
    by_rows(_select_spans_cyclic, *group.shape, group, budget, first, keys, whole, force_at_least_one, units)
    return units


@njit(cache=True, nogil=True)
def _random_tiling(b0, b1, word, keys, longest, group):
    for b in range(b0, b1):
        group[b], place, number = 0, 0, 0
        while place < word.shape[1]:
            group[b, place] = 1
            place += 1 + below(draw(keys[b], number), longest)
            number += 1
        number = 0
        for i in range(word.shape[1]):
            number += group[b, i] | (word[b, i] == 0)
            group[b, i] = number if word[b, i] > 0 else 0


def random_tiling(word: np.ndarray, keys: np.ndarray, longest: int) -> np.ndarray:
    """Tile rows by lengths uniform from 1 to `longest`; special ids cut tiles in two. Returns [B, L] int32 groups."""
    group = np.empty_like(word)
    by_rows(_random_tiling, *word.shape, word, keys, longest, group)
    return group


@njit(cache=True, nogil=True)
def _select_random_spans(b0, b1, word, budget, keys, ladder, units):
    longest = len(ladder)
    for b in range(b0, b1):
        units[b] = 0
        length = word.shape[1]
        while length > 0 and word[b, length - 1] == 0:  # padding, however much there is, draws no span
            length -= 1
        left, number = budget[b], 0
        while left > 0:
            reach = fraction(draw(keys[b], 2 * number))
            size = 1
            while size < longest and reach >= ladder[size - 1]:
                size += 1
            size = min(size, left)
            begin = below(draw(keys[b], 2 * number + 1), length + size - 1) - (size - 1)
            number += 1
            for i in range(max(begin, 0), min(begin + size, length)):
                if word[b, i] > 0 and units[b, i] == 0:
                    units[b, i] = number
                    left -= 1


def select_random_spans(word: np.ndarray, budget: np.ndarray, keys: np.ndarray, ladder: np.ndarray) -> np.ndarray:
    """Choose spans at random places, which may overlap or overhang the row, until the budget is spent.

    Spans that overhang make every position equally likely, the first and the last included; a position counts once. A
    span that is longer than what is left of the budget is shortened before it gets its place.
    ladder: [S] float32, the cumulative probabilities of the lengths 1 to S. The rest as in `select_tokens`.
    """
    units = np.empty_like(word)
    by_rows(_select_random_spans, *word.shape, word, budget, keys, ladder, units)
    return units
