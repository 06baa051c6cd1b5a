"""Task arithmetic: Ilharco et al. 2023, "Editing models with task arithmetic" (arXiv 2212.04089), section 2."""

from collections.abc import Sequence

from torch import Tensor

BASE = True


def merge(tensors: Sequence[Tensor], weights: Sequence[float], base: Tensor | None) -> Tensor:
    """base + Σ wᵢ (Mᵢ − base) of one tensor of each model, float32; a negative weight removes a task.

    Computed as (1 − Σ wᵢ) base + Σ wᵢ Mᵢ, the same with less rounding: a weight of 1 alone gives the model itself.
    """
    assert base is not None
    pairs = [(1 - sum(weights), base), *zip(weights, tensors, strict=True)]
    first, *rest = [weight * tensor for weight, tensor in pairs if weight]
    return sum(rest, first)
