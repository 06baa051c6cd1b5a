"""The weighted mean: Wortsman et al. 2022, "Model soups" (arXiv 2203.05482), section 3.1."""

from collections.abc import Sequence

from torch import Tensor

from ._shares import check

BASE = False


def merge(tensors: Sequence[Tensor], weights: Sequence[float], base: Tensor | None) -> Tensor:
    """Σ wᵢ Mᵢ of one tensor of each model, all of one shape, float32; a model of weight 0 is not read."""
    check(weights)
    first, *rest = [weight * tensor for weight, tensor in zip(weights, tensors, strict=True) if weight]
    return sum(rest, first)
