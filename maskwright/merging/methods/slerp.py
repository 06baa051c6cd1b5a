"""Spherical interpolation (Shoemake 1985, "Animating rotation with quaternion curves", section 3.3), by tensor."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ._shares import check

BASE = False
STRAIGHT = 1e-4
"""Below this sine two directions count as (anti)parallel, and interpolation is linear."""


def merge(tensors: Sequence[Tensor], weights: Sequence[float], base: Tensor | None) -> Tensor:
    """(sin(w₁Ω) M₁ + sin(w₂Ω) M₂) / sin Ω with Ω the angle between one tensor of each of two models, float32.

    The mean where they are parallel or opposite, or one is 0. Tensors of one norm give one of that norm.
    """
    check(weights)
    if len(tensors) != 2:
        raise ValueError(f"slerp merges exactly two models, and {len(tensors)} are given: use method=average")
    one, two = tensors
    norms = one.double().norm() * two.double().norm()
    angle = torch.acos(((one.double() * two).sum() / norms).clamp(-1, 1)) if norms else torch.zeros(())
    way = [float(torch.sin(w * angle) / torch.sin(angle)) for w in weights] if angle.sin() > STRAIGHT else weights
    first, *rest = [weight * tensor for weight, tensor in zip(way, tensors, strict=True) if weight]
    return sum(rest, first)
