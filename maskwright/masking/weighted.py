"""Weighted choice without replacement, compiled: the exponential race (Efraimidis and Spirakis 2006).

Each runner finishes at −ln(u) / weight, u uniform in (0, 1] at its own address; the first ones are chosen. That is the
same as drawing one after the other, each time among those left, in proportion to their weights. The logarithm is
computed here, of sums and products alone, so that its bits are the same on every platform.

Shapes: B rows, L positions. Groups, units, budgets and keys are those of `kernels`.
"""

import numpy as np
from numba import njit

from ..noise import draw
from .parallel import by_rows
from .select import cut, take

NEVER = np.float32(np.inf)
LN2 = np.float32(np.log(2))
ONE, TWO = np.float32(1), np.float32(2)
THIRD, FIFTH, SEVENTH, NINTH = (np.float32(1 / n) for n in (3, 5, 7, 9))
HALVED = np.int32(0x3F35_0000)
"""The bits of the float32 0.707: from there on a mantissa counts to the next power of two."""

LATEST = np.int32(0x7F7F_FFFF)
"""The bits of the largest float32."""
NEAR = np.int32(1 << 22)
"""Half a power of two, in the bits of a float32."""

PLACE = 0xFFFF_FFFF
FEW = 48
"""How many runners are put in order at a time."""

_40 = np.uint64(40)


@njit(cache=True, nogil=True, error_model="numpy")  # no branch on a divisor of 0, so that it runs many at a time
def _finish(key: np.uint64, weight: np.ndarray, finish: np.ndarray) -> None:
    """Write [N] float32, when each runner finishes; those without weight never do.

    u = m · 2^e with m within a factor of √2 of 1, and ln m = 2 artanh((m − 1) / (m + 1)) by its series.
    """
    bits = finish.view(np.int32)
    for i in range(len(weight)):
        finish[i] = np.float32(np.int32(draw(key, i) >> _40) + 1) * np.float32(2.0**-24)
    for i in range(len(weight)):
        power = (bits[i] - HALVED) >> np.int32(23)
        bits[i] -= power << np.int32(23)
        s = (finish[i] - ONE) / (finish[i] + ONE)
        t = s * s
        series = s * (TWO + t * TWO * (THIRD + t * (FIFTH + t * (SEVENTH + t * NINTH))))
        time = abs(np.float32(power) * LN2 + series) / max(weight[i], np.float32(1e-30))
        finish[i] = time if weight[i] > 0 else NEVER


@njit(cache=True, nogil=True)
def _last(bits: np.ndarray, budget: int, guess: np.int32) -> np.int32:
    """When the first `budget` runners are in. Times are their bits, int32, which are ordered as positive floats are.

    Looked for on both sides of the guess, then in proportion to how many are in before and after, and by halves.
    """
    low, high, few, many, asked = np.int32(0), LATEST, 0, len(bits), 0
    middle = np.int32(guess - NEAR) if guess > NEAR else low
    while low < high:
        inside = np.int32(0)
        for i in range(len(bits)):
            inside += np.int32(bits[i] <= middle)
        if inside == budget:  # a few rounds before the very bit
            return middle
        if inside > budget:
            high, many = middle, int(inside)
        else:
            low, few = np.int32(middle + 1), int(inside)
        share = (budget - few) / (many - few) if asked % 4 else 0.5
        between = guess + NEAR if asked == 0 else low + int((high - low) * share)
        middle, asked = np.int32(max(low, min(between, high - 1))), asked + 1
    return low


@njit(cache=True, nogil=True)
def _drop(bits: np.ndarray, last: np.int32, surplus: int, units: np.ndarray) -> None:
    """Of those that finished at once, leave out so many, from the right."""
    for i in range(len(bits) - 1, -1, -1):
        if bits[i] == last and surplus > 0:
            units[i] = 0
            surplus -= 1


@njit(cache=True, nogil=True)
def _gumbel_top_k_tokens(b0, b1, weight, group, budget, keys, units):
    length = group.shape[1]
    eligible, finish = np.empty(length, np.float32), np.empty(length, np.float32)
    bits, last = finish.view(np.int32), HALVED
    for b in range(b0, b1):
        runners = 0
        for i in range(length):
            eligible[i] = weight[b, i] if group[b, i] > 0 else np.float32(0)
            runners += eligible[i] > 0
        _finish(keys[b], eligible, finish)
        left = min(budget[b], runners)
        last, surplus = _last(bits, left, last) if left > 0 else np.int32(-1), -left
        for i in range(length):
            surplus += bits[i] <= last
            units[b, i] = np.int32(i + 1) * np.int32(bits[i] <= last)
        if surplus > 0:
            _drop(bits, last, surplus, units[b])


def gumbel_top_k_tokens(weight: np.ndarray, group: np.ndarray, budget: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Choose positions in proportion to their weights.

    weight: [B, L] float32, at least 0; a position without weight is never chosen. The rest as in `select_tokens`, but
    the number of a unit is its place in the row, from 1.
    """
    units = np.empty_like(group)
    by_rows(_gumbel_top_k_tokens, *group.shape, weight, group, budget, keys, units)
    return units


@njit(cache=True, nogil=True)
def _weigh(weight: np.ndarray, group: np.ndarray, start: np.ndarray, size: np.ndarray, mean: bool, out: np.ndarray):
    """Write the sum of the weights of each unit's positions, or their mean."""
    for j in range(len(out)):
        total, passed, i = np.float32(0), 0, start[j]
        while passed < size[j]:
            if group[i] > 0:
                total += weight[i]
                passed += 1
            i += 1
        out[j] = total / np.float32(size[j]) if mean else total


@njit(cache=True, nogil=True)
def _order(bits: np.ndarray, after: np.int32, until: np.int32, rank: np.ndarray) -> int:
    """Write who finishes `after` and `until` then, sorted: the time in the upper half, the place in the lower.

    Returns how many they are; they should be few.
    """
    found = 0
    for j in range(len(bits)):
        rank[found] = (np.int64(bits[j]) << 32) | j
        found += (bits[j] > after) & (bits[j] <= until)
    for j in range(1, found):
        one, place = rank[j], j
        while place > 0 and rank[place - 1] > one:
            rank[place] = rank[place - 1]
            place -= 1
        rank[place] = one
    return found


@njit(cache=True, nogil=True)
def _run(bits, group, start, size, left, whole, rank, units):
    """Choose units as they come in, some at a time; returns the first to come in, and how many are chosen."""
    passed, number, after, until, first = 0, 0, np.int32(-1), HALVED, -1
    while left > 0 and passed < len(bits):
        until = _last(bits, min(passed + FEW, len(bits)), until)
        came = _order(bits, after, until, rank)
        if came == 0:
            break
        for place in rank[:came]:
            j = place & PLACE
            first = j if first < 0 else first
            if left > 0 and (size[j] <= left or not whole):
                number += 1
                take(group, start[j], 0, min(size[j], left), number, units)
                left -= min(size[j], left)
        passed, after = passed + came, until
    return first, number


@njit(cache=True, nogil=True)
def _gumbel_top_k_spans(b0, b1, weight, group, budget, keys, whole, mean, force_at_least_one, units):
    length = group.shape[1]
    start, size = np.empty(length, np.int32), np.empty(length, np.int32)
    heavy, finish = np.empty(length, np.float32), np.empty(length, np.float32)
    bits, rank = finish.view(np.int32), np.empty(length + 1, np.int64)
    for b in range(b0, b1):
        units[b] = 0
        known = cut(group[b], start, size)
        _weigh(weight[b], group[b], start, size, mean, heavy[:known])
        _finish(keys[b], heavy[:known], finish[:known])
        first, number = _run(bits[:known], group[b], start, size, budget[b], whole, rank, units[b])
        if force_at_least_one and number == 0 and first >= 0:
            take(group[b], start[first], 0, size[first], 1, units[b])


def gumbel_top_k_spans(
    weight: np.ndarray,
    group: np.ndarray,
    budget: np.ndarray,
    keys: np.ndarray,
    whole: bool,
    mean: bool,
    force_at_least_one: bool,
) -> np.ndarray:
    """Choose units in proportion to the sum of their positions' weights, or to the mean of them.

    whole: pass over units that are larger than what is left of the budget; otherwise cut the last.
    force_at_least_one: where no unit is small enough, choose the first all the same. The rest as in
    `gumbel_top_k_tokens`, but units are numbered as they were chosen.
    """
    units = np.empty_like(group)
    by_rows(_gumbel_top_k_spans, *group.shape, weight, group, budget, keys, whole, mean, force_at_least_one, units)
    return units
