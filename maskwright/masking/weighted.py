"""Compiled kernels for choice by weight: a position is chosen with probability min(1, c · weight), the budget is exact.

Systematic sampling over a random order (Madow 1949; Tillé 2006, "Sampling algorithms", section 7.1): the weights are
laid end to end in random order, and points at equal distances are thrown upon them, from a random start. A weight that
is shorter than the distance is hit with probability weight / distance; longer ones are certain, and are taken first.
Chosen before Sampford's and Pareto sampling as it is exact, of fixed size, and one pass. Drawing one after the other,
by an exponential race, would flatten the weights: at a ratio of 0.40, twice the weight is not hidden twice as often.

Weights become whole numbers, so that nothing is rounded on the way and the bits are the same on every platform.

Shapes: B rows, L positions, N candidates. Groups, units, budgets and keys are those of `select`.
"""

import numpy as np
from numba import njit

from ..noise import below, draw
from .parallel import by_rows
from .select import find_units, mark_unit

SCALE = np.float32(2**24)
"""The largest weight of a row as a whole number: what float32 holds exactly."""
TINY, RAISED = np.float32(2.0**-100), np.float32(2.0**64)
"""Below TINY the scale of a weight would be more than float32 holds, so that such rows are RAISED first."""
LARGEST = np.uint64(2**64 - 1)


@njit(cache=True, nogil=True)
def _shares(weight: np.ndarray, group: np.ndarray, share: np.ndarray) -> None:
    """Write [N] int32, the weights relative to the largest of the row, at least 1 unless they or `group` are 0."""
    largest, bits = np.int32(0), weight.view(np.int32)  # which order as positive floats do, and vectorise
    for i in range(len(weight)):
        largest = max(largest, bits[i] * np.int32(group[i] > 0))
    most = np.array([max(largest, np.int32(1))], np.int32).view(np.float32)[0]
    raised = RAISED if most < TINY else np.float32(1)  # by a power of two, which rounds nothing
    scale = SCALE / (most * raised)
    for i in range(len(weight)):
        eligible = (group[i] > 0) & (bits[i] > 0)
        share[i] = max(np.int32(weight[i] * raised * scale), np.int32(1)) * np.int32(eligible)


@njit(cache=True, nogil=True)
def _take_certain(share: np.ndarray, size: np.ndarray, budget: int, certain: np.ndarray) -> tuple[int, int]:
    """Mark candidates whose share calls for a probability of at least 1, and set their share to 0; again, until the
    others' probabilities are less than 1.

    size: [N] int32, positions of each candidate. Returns what is left of the budget, and the sum of share · size.
    """
    for i in range(len(share)):
        certain[i] = False
    while True:
        total, taken = 0, 0
        for i in range(len(share)):
            total += np.int64(share[i]) * np.int64(size[i])  # type: ignore[assignment]
        if budget <= 0 or total == 0:
            return budget, total
        enough = np.int32(min(max((total + budget - 1) // budget, 1), 2**31 - 1))
        for i in range(len(share)):
            taken += size[i] * np.int32(share[i] >= enough)
        if taken == 0:
            return budget, total
        for i in range(len(share)):
            certain[i] |= share[i] >= enough
            share[i] *= np.int32(share[i] < enough)
        budget -= taken


@njit(cache=True, nogil=True)
def _partners(key: np.uint64, share: np.ndarray, order: np.ndarray, partner: np.ndarray) -> int:
    """Write the candidates with a share, and what each changes places with in turn (Fisher-Yates), by draw 1 and on.

    Returns how many there are.
    """
    n = 0
    for i in range(len(share)):
        order[n] = i  # overwritten unless it counts: no branch
        n += share[i] > 0
    for j in range(n):  # in a loop of its own: the draws are independent and vectorise, the swaps do not
        partner[j] = j + below(draw(key, j + 1), n - j)
    return n


@njit(cache=True, nogil=True)
def _points(budget: int, total: int, bits: np.uint64) -> tuple[np.uint64, np.uint64]:
    """What a share of 1 is, and where the walk over all shares begins, if the distance of points is 2^64: passing one
    is an overflow. What that was rounded down by goes to the start, so that exactly `budget` points are passed.
    """
    scale = (LARGEST // np.uint64(max(total, 1))) * np.uint64(budget)
    return scale, max(bits, np.uint64(0) - scale * np.uint64(total))


@njit(cache=True, nogil=True)
def _systematic_tokens(b0, b1, weight, group, budget, keys, units):
    length = group.shape[1]
    share, single, chosen = np.empty(length, np.int32), np.ones(length, np.int32), np.empty(length, np.bool_)
    order, partner = np.empty(length + 1, np.uint32), np.empty(length, np.uint32)
    for b in range(b0, b1):
        _shares(weight[b], group[b], share)
        left, total = _take_certain(share, single, budget[b], chosen)
        n = _partners(keys[b], share, order, partner) if left > 0 else 0
        scale, place = _points(left, total, draw(keys[b], 0))
        for j in range(n):  # shuffled and walked over in one loop
            i = order[partner[j]]
            order[partner[j]] = order[j]
            step = scale * np.uint64(share[i])
            place += step
            chosen[i] = place < step
        for i in range(length):
            units[b, i] = np.int32(i + 1) * np.int32(chosen[i])


def systematic_tokens(weight: np.ndarray, group: np.ndarray, budget: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Choose positions, each with probability min(1, c · weight), where c makes them add up to the budget.

    weight: [B, L] float32, at least 0; a position of weight 0 is never chosen, so that a row with fewer others than its
    budget gets fewer. The rest as in `select_tokens`, but the number of a unit is its index in the row, from 1.
    """
    units = np.empty_like(group)
    by_rows(_systematic_tokens, *group.shape, weight, group, budget, keys, units)
    return units


@njit(cache=True, nogil=True)
def _mean_weights(weight: np.ndarray, group: np.ndarray, start: np.ndarray, size: np.ndarray, out: np.ndarray) -> None:
    for j in range(len(out)):
        total, passed, i = np.float32(0), 0, start[j]
        while passed < size[j]:
            if group[i] > 0:
                total += weight[i]
                passed += 1
            i += 1
        out[j] = total / np.float32(size[j])


@njit(cache=True, nogil=True)
def _hit(share: np.ndarray, order: np.ndarray, budget: int, total: int, bits: np.uint64, chosen: np.ndarray) -> None:
    """Mark what a point hits; no share is as long as the distance of two."""
    scale, place = _points(budget, total, bits)
    for i in order:
        step = scale * np.uint64(share[i])
        place += step
        chosen[i] |= place < step


@njit(cache=True, nogil=True)
def _largest_first(size: np.ndarray, order: np.ndarray, by_size: np.ndarray) -> int:
    """Write `order` by falling size, those of one size as they were. Returns how many have more than one position."""
    written, largest, n_larger = 0, 0, 0
    for j in order:
        largest = max(largest, size[j])
        n_larger += size[j] > 1
    for here in range(largest, 0, -1):
        for j in order:
            by_size[written] = j  # overwritten unless it counts: no branch
            written += size[j] == here
    return n_larger


@njit(cache=True, nogil=True)
def _keep_fitting(size: np.ndarray, order: np.ndarray, left: int, chosen: np.ndarray) -> int:
    """Give up what is larger than what is left of the budget. Returns what is left after the others."""
    for j in order:
        chosen[j] &= size[j] <= left
        left -= size[j] * chosen[j]
    return left


@njit(cache=True, nogil=True)
def _add_fitting(size: np.ndarray, order: np.ndarray, left: int, whole: bool, length: np.ndarray) -> None:
    """Fill what is left of the budget with units that were not chosen, the last cut to fit unless `whole`."""
    for j in order:
        if length[j] == 0 and left > 0 and (size[j] <= left or not whole):
            length[j] = min(size[j], left)
            left -= length[j]


@njit(cache=True, nogil=True)
def _one_of(share: np.ndarray, bits: np.uint64) -> int:
    """One candidate, with probability in proportion to its share."""
    place, total = 0, 0
    for j in range(len(share)):
        total += share[j]
    point = np.int64(bits % np.uint64(max(total, 1)))
    for j in range(len(share)):
        place += share[j]
        if place > point:
            return j
    return -1


@njit(cache=True, nogil=True)
def _systematic_units(b0, b1, weight, group, budget, keys, whole, force_at_least_one, units):
    most = group.shape[1]
    start, size, length = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    mean, share, single = np.empty(most, np.float32), np.empty(most, np.int32), np.ones(most, np.int32)
    shuffled, order, partner = np.empty(most + 1, np.uint32), np.empty(most + 1, np.uint32), np.empty(most, np.uint32)
    chosen, certain = np.empty(most, np.bool_), np.empty(most, np.bool_)
    for b in range(b0, b1):
        units[b] = 0
        n = find_units(group[b], start, size)
        if n == 0 or budget[b] <= 0:
            continue
        _mean_weights(weight[b], group[b], start, size, mean[:n])
        _shares(mean[:n], single[:n], share[:n])
        left, total = _take_certain(share[:n], size[:n], budget[b], chosen[:n])
        n_open = _partners(keys[b], share[:n], shuffled, partner)
        for j in range(n_open):
            shuffled[j], shuffled[partner[j]] = shuffled[partner[j]], shuffled[j]
        larger = _largest_first(size, shuffled[:n_open], order)
        bits = draw(keys[b], 0)
        _hit(share, order[:larger], left, total, bits, chosen)
        left = _keep_fitting(size, order[:larger], left, chosen)
        # what the larger units leave of the budget is for the single positions, which fit everywhere
        for j in order[:larger]:
            share[j] = 0
        left, total = _take_certain(share[:n], single[:n], left, certain[:n])
        _hit(share, order[larger:n_open], max(left, 0), total, bits, chosen)
        filled = 0
        for j in range(n):
            length[j] = size[j] * (chosen[j] | certain[j])
            filled += length[j]
        _add_fitting(size, order[:n_open], budget[b] - filled, whole, length)
        if force_at_least_one and length[:n].sum() == 0:
            _shares(mean[:n], single[:n], share[:n])
            j = _one_of(share[:n], bits)
            length[j] = size[j]
        for j in range(n):
            mark_unit(group[b], start[j], 0, length[j], j + 1, units[b])


def systematic_units(
    weight: np.ndarray,
    group: np.ndarray,
    budget: np.ndarray,
    keys: np.ndarray,
    whole: bool,
    force_at_least_one: bool,
) -> np.ndarray:
    """Choose units, each with probability min(1, c · the mean weight of its positions).

    The larger ones go first, and single positions fill exactly what these leave. Where there are too few single ones,
    others are added in random order, the last cut to fit; `whole`: as long as they fit, so that less than one unit is
    missing.  force_at_least_one: where none fits, choose one anyway. The rest as in `systematic_tokens`, but the number
    of a unit is its index among the units of the row, from 1.
    """
    units = np.empty_like(group)
    by_rows(_systematic_units, *group.shape, weight, group, budget, keys, whole, force_at_least_one, units)
    return units
