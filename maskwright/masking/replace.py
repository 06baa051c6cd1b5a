"""Compiled kernels that write the corrupted inputs: [MASK], a random token or the original at the chosen positions.

Shapes: B rows, L positions. Units and keys are those of `select`.
"""

import numpy as np
from numba import njit

from ..noise import below, draw, fraction
from .parallel import by_rows
from .select import IGNORE, nonzero


@njit(cache=True, nogil=True)
def _draw_corruption(key: np.uint64, units: np.ndarray, by_unit: bool, u: np.ndarray) -> None:
    """Write [L] float32 `u`, uniform in [0, 1), per chosen position or once per unit; 1 where nothing is chosen."""
    for i in range(len(units)):
        bits = draw(key, units[i]) if by_unit else draw(key, i)
        u[i] = fraction(bits) if units[i] > 0 else np.float32(1)  # 1 is above every threshold: left alone


@njit(cache=True, nogil=True)
def _write_masks(tokens, units, u, mask, p_unmasked, inputs, targets, weights):
    for i in range(len(tokens)):
        token, chosen = tokens[i], units[i] > 0
        inputs[i] = mask if chosen & (u[i] >= p_unmasked) else token
        targets[i] = token if chosen else IGNORE
        weights[i] = np.float32(chosen)


@njit(cache=True, nogil=True)
def _replace(
    b0, b1, tokens, units, keys, token_keys, ordinary, mask, p_random, p_unmasked, by_unit, inputs, targets, weights
):
    length = tokens.shape[1]
    u, is_random = np.ones(length, np.float32), np.zeros(length // 8 * 8 + 8, np.bool_)
    places = np.empty(length, np.uint32)
    for b in range(b0, b1):
        if p_unmasked > 0:  # with [MASK] alone there is nothing to draw
            _draw_corruption(keys[b], units[b], by_unit, u)
        _write_masks(tokens[b], units[b], u, mask, p_unmasked, inputs[b], targets[b], weights[b])
        for i in range(length):
            is_random[i] = u[i] < p_random
        for i in places[: nonzero(is_random, places)]:  # few: only here is a token drawn
            inputs[b, i] = ordinary[below(draw(token_keys[b], i), len(ordinary))]


def replace(
    tokens, units, keys, token_keys, ordinary, mask, p_random, p_unmasked, by_unit, inputs, targets, weights
) -> None:
    """Write a masked problem: inputs [B, L] int64, targets [B, L] int64 and weights [B, L] float32.

    units: [B, L] int32 as from `select_tokens`. keys: [B] uint64, for the choice between random, kept and [MASK].
    token_keys: [B] uint64, for the random tokens, which are drawn from `ordinary`, int64 ids. p_random, p_unmasked:
    float32, the probability of a random token, and of a random or kept one. by_unit: one choice per unit, not token.
    """
    arguments = (
        tokens,
        units,
        keys,
        token_keys,
        ordinary,
        mask,
        p_random,
        p_unmasked,
        by_unit,
        inputs,
        targets,
        weights,
    )
    by_rows(_replace, *tokens.shape, *arguments)
