"""The loops of masking, compiled: what stands at the chosen positions instead.

Shapes: B rows, L positions. Units and keys are those of `kernels`.
"""

import numpy as np
from numba import njit

from ..noise import below, draw, fraction
from .parallel import by_rows
from .select import IGNORE, find


@njit(cache=True, nogil=True)
def _decide(key: np.uint64, units: np.ndarray, by_unit: bool, fate: np.ndarray) -> None:
    """Write [L] float32, the luck of every position, or of its unit; 1 where none is chosen."""
    for i in range(len(units)):
        bits = draw(key, units[i]) if by_unit else draw(key, i)
        fate[i] = fraction(bits) if units[i] > 0 else np.float32(1)


@njit(cache=True, nogil=True)
def _hide(tokens, units, fate, mask, settled, inputs, targets, weights):
    for i in range(len(tokens)):
        token, chosen = tokens[i], units[i] > 0
        inputs[i] = mask if chosen & (fate[i] >= settled) else token
        targets[i] = token if chosen else IGNORE
        weights[i] = np.float32(chosen)


@njit(cache=True, nogil=True)
def _replace(b0, b1, tokens, units, fates, others, ordinary, mask, random, settled, by_unit, inputs, targets, weights):
    length = tokens.shape[1]
    fate, swapped = np.ones(length, np.float32), np.zeros(length // 8 * 8 + 8, np.bool_)
    places = np.empty(length, np.uint32)
    for b in range(b0, b1):
        if settled > 0:
            _decide(fates[b], units[b], by_unit, fate)
        _hide(tokens[b], units[b], fate, mask, settled, inputs[b], targets[b], weights[b])
        for i in range(length):
            swapped[i] = fate[i] < random
        for i in places[: find(swapped, places)]:
            inputs[b, i] = ordinary[below(draw(others[b], i), len(ordinary))]


def replace(tokens, units, fates, others, ordinary, mask, random, settled, by_unit, inputs, targets, weights) -> None:
    """Write a masked problem: inputs [B, L] int64, targets [B, L] int64 and weights [B, L] float32.

    units: [B, L] int32 as from `select_tokens`. fates, others: [B] uint64 keys. ordinary: int64 ids of ordinary tokens,
    from which random tokens are drawn. random, settled: float32, cumulative shares of random and of random or kept.
    by_unit: one fate for a whole unit, not for each token.
    """
    arguments = (tokens, units, fates, others, ordinary, mask, random, settled, by_unit, inputs, targets, weights)
    by_rows(_replace, *tokens.shape, *arguments)
