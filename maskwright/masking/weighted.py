"""Compiled kernels for weighted choice without replacement, as an exponential race (Efraimidis and Spirakis 2006).

Each candidate arrives at time −ln(u) / weight, u uniform in (0, 1] at its own address; the first k are chosen (the
Gumbel top-k trick, with times instead of their logarithms). That equals drawing one after the other, each time among
those left, in proportion to the weights. The logarithm is computed here, from sums and products alone, so that its bits
are the same on every platform.

Shapes: B rows, L positions, N candidates. Groups, units, budgets and keys are those of `select`.
"""

import numpy as np
from numba import njit

from ..noise import draw
from .parallel import by_rows
from .select import find_units, mark_unit

NEVER = np.float32(np.inf)
LN2 = np.float32(np.log(2))
ONE, TWO = np.float32(1), np.float32(2)
THIRD, FIFTH, SEVENTH, NINTH = (np.float32(1 / n) for n in (3, 5, 7, 9))
SQRT_HALF = np.int32(0x3F35_0000)
"""The bits of the float32 0.707: from there on a mantissa counts to the next power of two."""

MAX_BITS = np.int32(0x7F7F_FFFF)
"""The bits of the largest float32."""
BRACKET = np.int32(1 << 22)
"""Half a power of two, in the bits of a float32."""

LOWER_HALF = 0xFFFF_FFFF
SORTED_AT_ONCE = 48
"""How many candidates are sorted at a time: few enough for an insertion sort."""

_40 = np.uint64(40)


@njit(cache=True, nogil=True, error_model="numpy")  # no branch on a divisor of 0, so that the loop vectorises
def _arrival_times(key: np.uint64, weight: np.ndarray, arrival: np.ndarray) -> None:
    """Write [N] float32, when each candidate arrives; those without weight never do.

    u = m · 2^e with m within a factor of √2 of 1, and ln m = 2 artanh((m − 1) / (m + 1)) by its series.
    """
    bits = arrival.view(np.int32)
    for i in range(len(weight)):  # + 1: u is never 0, whose logarithm would be infinite
        arrival[i] = np.float32(np.int32(draw(key, i) >> _40) + 1) * np.float32(2.0**-24)
    for i in range(len(weight)):
        power = (bits[i] - SQRT_HALF) >> np.int32(23)
        bits[i] -= power << np.int32(23)
        s = (arrival[i] - ONE) / (arrival[i] + ONE)
        t = s * s
        series = s * (TWO + t * TWO * (THIRD + t * (FIFTH + t * (SEVENTH + t * NINTH))))
        time = abs(np.float32(power) * LN2 + series) / max(weight[i], np.float32(1e-30))
        arrival[i] = time if weight[i] > 0 else NEVER


@njit(cache=True, nogil=True)
def _kth_smallest(bits: np.ndarray, k: int, guess: np.int32) -> np.int32:
    """A time by which exactly `k` have arrived, or the k-th time when others tie with it.

    Times are compared as their bits, int32, which order as positive floats do. The search first brackets the guess,
    then interpolates between the counts below and above, and halves the interval every fourth round: a count is one
    vectorised pass, so that a few passes are cheaper than sorting or a heap.
    """
    low, high, n_low, n_high, rounds = np.int32(0), MAX_BITS, 0, len(bits), 0
    middle = np.int32(guess - BRACKET) if guess > BRACKET else low
    while low < high:
        inside = np.int32(0)
        for i in range(len(bits)):
            inside += np.int32(bits[i] <= middle)
        if inside == k:  # usual, and a few rounds earlier than the exact bit
            return middle
        if inside > k:
            high, n_high = middle, int(inside)
        else:
            low, n_low = np.int32(middle + 1), int(inside)
        fraction = (k - n_low) / (n_high - n_low) if rounds % 4 else 0.5
        between = guess + BRACKET if rounds == 0 else low + int((high - low) * fraction)
        middle, rounds = np.int32(max(low, min(between, high - 1))), rounds + 1
    return low


@njit(cache=True, nogil=True)
def _drop_ties(bits: np.ndarray, last: np.int32, surplus: int, units: np.ndarray) -> None:
    """Leave out `surplus` of those that arrived at time `last`, from the right."""
    for i in range(len(bits) - 1, -1, -1):
        if bits[i] == last and surplus > 0:
            units[i] = 0
            surplus -= 1


@njit(cache=True, nogil=True)
def _gumbel_top_k_tokens(b0, b1, weight, group, budget, keys, units):
    length = group.shape[1]
    eligible, arrival = np.empty(length, np.float32), np.empty(length, np.float32)
    bits, last = arrival.view(np.int32), SQRT_HALF  # a row's threshold is a good first guess for the next row's
    for b in range(b0, b1):
        candidates = 0
        for i in range(length):
            eligible[i] = weight[b, i] if group[b, i] > 0 else np.float32(0)
            candidates += eligible[i] > 0
        _arrival_times(keys[b], eligible, arrival)
        k = min(budget[b], candidates)
        last, surplus = _kth_smallest(bits, k, last) if k > 0 else np.int32(-1), -k
        for i in range(length):
            surplus += bits[i] <= last
            units[b, i] = np.int32(i + 1) * np.int32(bits[i] <= last)
        if surplus > 0:
            _drop_ties(bits, last, surplus, units[b])


def gumbel_top_k_tokens(weight: np.ndarray, group: np.ndarray, budget: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Choose positions in proportion to their weights, without replacement.

    weight: [B, L] float32, at least 0; a position of weight 0 is never chosen. The rest as in `select_tokens`, but
    the number of a unit is its index in the row, from 1.
    """
    units = np.empty_like(group)
    by_rows(_gumbel_top_k_tokens, *group.shape, weight, group, budget, keys, units)
    return units


@njit(cache=True, nogil=True)
def _unit_weights(
    weight: np.ndarray, group: np.ndarray, start: np.ndarray, size: np.ndarray, mean: bool, out: np.ndarray
):
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
    """Write those that arrive later than `after` and by `until`, sorted: time in the upper half, index in the lower.

    Returns how many there are, which should be few.
    """
    n = 0
    for j in range(len(bits)):
        rank[n] = (np.int64(bits[j]) << 32) | j  # overwritten unless it counts: no branch
        n += (bits[j] > after) & (bits[j] <= until)
    for j in range(1, n):  # insertion sort
        entry, place = rank[j], j
        while place > 0 and rank[place - 1] > entry:
            rank[place] = rank[place - 1]
            place -= 1
        rank[place] = entry
    return n


@njit(cache=True, nogil=True)
def _choose_by_arrival(bits, group, start, size, left, whole, rank, units):
    """Choose units as they arrive, sorted a batch at a time; returns the first to arrive and how many are chosen."""
    passed, number, after, until, first = 0, 0, np.int32(-1), SQRT_HALF, -1
    while left > 0 and passed < len(bits):
        until = _kth_smallest(bits, min(passed + SORTED_AT_ONCE, len(bits)), until)
        n = _order(bits, after, until, rank)
        if n == 0:  # the rest have no weight and never arrive
            break
        for entry in rank[:n]:
            j = entry & LOWER_HALF
            first = j if first < 0 else first
            if left > 0 and (size[j] <= left or not whole):
                number += 1
                mark_unit(group, start[j], 0, min(size[j], left), number, units)
                left -= min(size[j], left)
        passed, after = passed + n, until
    return first, number


@njit(cache=True, nogil=True)
def _gumbel_top_k_spans(b0, b1, weight, group, budget, keys, whole, mean, force_at_least_one, units):
    length = group.shape[1]
    start, size = np.empty(length, np.int32), np.empty(length, np.int32)
    unit_weight, arrival = np.empty(length, np.float32), np.empty(length, np.float32)
    bits, rank = arrival.view(np.int32), np.empty(length + 1, np.int64)
    for b in range(b0, b1):
        units[b] = 0
        n_units = find_units(group[b], start, size)
        _unit_weights(weight[b], group[b], start, size, mean, unit_weight[:n_units])
        _arrival_times(keys[b], unit_weight[:n_units], arrival[:n_units])
        first, number = _choose_by_arrival(bits[:n_units], group[b], start, size, budget[b], whole, rank, units[b])
        if force_at_least_one and number == 0 and first >= 0:
            mark_unit(group[b], start[first], 0, size[first], 1, units[b])


def gumbel_top_k_spans(
    weight: np.ndarray,
    group: np.ndarray,
    budget: np.ndarray,
    keys: np.ndarray,
    whole: bool,
    mean: bool,
    force_at_least_one: bool,
) -> np.ndarray:
    """Choose units in proportion to the sum or the mean of their positions' weights, without replacement.

    whole: skip units that are larger than what is left of the budget; otherwise cut the last to fit.
    force_at_least_one: where no unit fits, choose the first to arrive anyway. The rest as in
    `gumbel_top_k_tokens`, but units are numbered as they were chosen.
    """
    units = np.empty_like(group)
    by_rows(_gumbel_top_k_spans, *group.shape, weight, group, budget, keys, whole, mean, force_at_least_one, units)
    return units
