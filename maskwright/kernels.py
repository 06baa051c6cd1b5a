"""The loops of masking, compiled: which units of a row are chosen, and what stands there instead.

Shapes: B rows, L positions. Rows are shared out to threads, which changes nothing: every draw has an address.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from .noise import below, draw, fraction

IGNORE = -100
"""The target of a position that is not asked."""
WORTH_A_THREAD = 32_768
"""Positions from which on a batch is shared out to threads."""


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="maskwright-kernel")


def by_rows(kernel: Callable[..., None], rows: int, positions: int, *arguments: Any) -> None:
    """Run `kernel(begin, end, *arguments)` over all rows, on all cores when there is enough to do."""
    parts = min(os.cpu_count() or 1, 1 + rows * positions // WORTH_A_THREAD, rows)
    bounds = [rows * part // max(parts, 1) for part in range(parts + 1)]
    others = [_threads().submit(kernel, *bounds[i : i + 2], *arguments) for i in range(1, parts)]
    if parts:
        kernel(*bounds[:2], *arguments)
    for other in others:
        other.result()


@njit(cache=True, nogil=True)
def _cut(word: np.ndarray, begins: np.ndarray, start: np.ndarray, size: np.ndarray) -> int:
    """Write the starts and sizes of a row's units; a unit lasts to the next start. Returns how many there are."""
    count, before = 0, 0
    for i in range(len(word)):
        if word[i] == 0:
            before = 0
            continue
        if begins[i] or before == 0:
            start[count], size[count] = i, 0
            count += 1
        size[count - 1] += 1
        before = word[i]
    return count


@njit(cache=True, nogil=True)
def _draw_units(b0, b1, word, begins, budget, first, keys, whole, units):
    length = word.shape[1]
    start, size = np.empty(length, np.int32), np.empty(length, np.int32)
    for b in range(b0, b1):
        units[b] = 0
        count = _cut(word[b], begins[b], start, size)
        left, passed, number = budget[b], 0, 0
        for j in range(2 * count):
            if left == 0:
                break
            u = j % count
            if j < count:  # one step of a shuffle (Fisher and Yates): a unit that was not drawn yet comes to place j
                r = j + below(draw(keys[b], j), count - j)
                start[j], start[r] = start[r], start[j]
                size[j], size[r] = size[r], size[j]
            passed += size[u]
            if passed <= first[b] or units[b, start[u]] or (whole and size[u] > left):
                continue
            number += 1
            taken = min(size[u], left)
            units[b, start[u] : start[u] + taken] = number
            left -= taken


def draw_units(word, begins, budget, first, keys, whole, units) -> None:
    """Choose units in random order until the budget is spent.

    word: [B, L] int32, 0 for what is never chosen. begins: [B, L] bool, where units start. budget, first: [B] int64,
    positions to choose, and to pass over at the head of the order (going round, a second lap comes back to them).
    keys: [B] uint64. whole: pass over a unit larger than the rest of the budget instead of cutting it.
    units: [B, L] int32, written: 0, or the number of the unit in the order in which units were chosen.
    """
    by_rows(_draw_units, *word.shape, word, begins, budget, first, keys, whole, units)


@njit(cache=True, nogil=True)
def _draw_spans(b0, b1, word, budget, keys, ladder, units):
    length, longest = word.shape[1], len(ladder)
    for b in range(b0, b1):
        units[b] = 0
        left, number = budget[b], 0
        while left > 0:
            reach = fraction(draw(keys[b], 2 * number))
            size = 1
            while size < longest and reach >= ladder[size - 1]:
                size += 1
            begin = below(draw(keys[b], 2 * number + 1), length + size - 1) - (size - 1)
            number += 1
            for i in range(max(begin, 0), min(begin + size, length)):
                if left > 0 and word[b, i] > 0 and units[b, i] == 0:
                    units[b, i] = number
                    left -= 1


def draw_spans(word, budget, keys, ladder, units) -> None:
    """Choose spans at random places, which may overlap or overhang the row, until the budget is spent.

    Spans that overhang make every position equally likely, the first and the last included; a position counts once.
    ladder: [S] float32, the cumulative probabilities of the lengths 1 to S. The rest as in `draw_units`.
    """
    by_rows(_draw_spans, *word.shape, word, budget, keys, ladder, units)


@njit(cache=True, nogil=True)
def _replace(b0, b1, tokens, units, fates, others, ordinary, mask, random, settled, by_unit, inputs, targets, weights):
    for b in range(b0, b1):
        for i in range(tokens.shape[1]):
            token, unit = tokens[b, i], units[b, i]
            chosen = unit > 0
            inputs[b, i] = mask if chosen else token
            targets[b, i] = token if chosen else IGNORE
            weights[b, i] = np.float32(chosen)
        if settled == 0:
            continue
        for i in range(tokens.shape[1]):
            if units[b, i] == 0:
                continue
            luck = fraction(draw(fates[b], units[b, i] if by_unit else i))
            if luck < random:
                inputs[b, i] = ordinary[below(draw(others[b], i), len(ordinary))]
            elif luck < settled:
                inputs[b, i] = tokens[b, i]


def replace(tokens, units, fates, others, ordinary, mask, random, settled, by_unit, inputs, targets, weights) -> None:
    """Write a masked problem: inputs [B, L] int64, targets [B, L] int64 and weights [B, L] float32.

    units: [B, L] int32 as from `draw_units`. fates, others: [B] uint64 keys. ordinary: int64 ids that text is made of,
    from which random tokens are drawn. random, settled: float32, cumulative shares of random and of random or kept.
    by_unit: one fate for a whole unit, not for each token.
    """
    arguments = (tokens, units, fates, others, ordinary, mask, random, settled, by_unit, inputs, targets, weights)
    by_rows(_replace, *tokens.shape, *arguments)
