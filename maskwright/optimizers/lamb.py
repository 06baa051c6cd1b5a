"""LAMB: Adam with each matrix's step scaled to the norm of the matrix (You et al. 2020, arXiv 1904.00962).

The variant of LTG-BERT (Samuel et al. 2023, arXiv 2303.09859): both moments bias-corrected, norms unclamped, and
parameters without weight decay are not scaled either: they take plain Adam steps at the same learning rate. With
scaling=capped, that of bitsandbytes, which AMLM was trained by.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

import torch
from pydantic import Field
from torch import Tensor, nn

from ..settings import settings
from ..settings.schedule import Share
from ._parameter_groups import Decay, parameter_groups

Scaled: TypeAlias = Callable[[Tensor, Tensor, float], Tensor]
"""From a parameter, Adam's step for it (written over) and its decay to the step that it takes."""


@settings
class Lamb:
    """Adam with each matrix's step scaled to the norm of the matrix (You et al. 2020, arXiv 1904.00962).

    Matrices are decayed; embeddings, as in LTG-BERT, only with `decay_embeddings` (as in GPT-BERT); biases and gains
    only with `decay_vectors`.
    """

    lr: Annotated[float, Field(gt=0)] = 1e-2
    """Peak learning rate."""
    betas: tuple[Share, Share] = (0.9, 0.98)
    """Decay per step of the mean gradient and of its square."""
    eps: Annotated[float, Field(gt=0)] = 1e-6
    """Added to the root of the squares."""
    weight_decay: Decay = 0.1
    """This multiple of the matrix is added to the step before it is scaled."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed, and therefore scaled, too."""

    decay_vectors: bool = False
    """Whether biases and the gains of norms are decayed, and therefore scaled, too."""
    scaling: Literal["full", "capped"] = "full"
    """`full`: the step, decay included, gets the norm of the matrix times lr. `capped`: Adam's step is cut to that norm
    where it is longer, so that what is zero stays so, and the decay, lr · weight_decay, is apart."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, with one parameter group per role, each at its peak `lr`."""
        groups = parameter_groups(model, self.weight_decay, self.decay_embeddings, self.decay_vectors)
        defaults = {"lr": self.lr, "betas": self.betas, "eps": self.eps}
        return LambOptimizer(groups, defaults, SCALINGS[self.scaling])


class LambOptimizer(torch.optim.Optimizer):
    """The optimizer behind `Lamb`."""

    def __init__(self, groups: list[dict[str, Any]], defaults: dict[str, Any], scaled: Scaled):
        super().__init__(groups, defaults)
        self.scaled = scaled

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; there is no closure to call."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, self.state[parameter], group)

    def _update(self, parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """w −= lr · the scaled step of Adam and decay."""
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
        state["step"] += 1
        first, second = group["betas"]
        mean = state["mean"].lerp_(gradient, 1 - first)
        square = state["square"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        root = square.sqrt().div_((1 - second ** state["step"]) ** 0.5).add_(group["eps"])
        step = root.reciprocal_().mul_(mean).div_(1 - first ** state["step"])
        parameter.add_(self.scaled(parameter, step, group["weight_decay"]), alpha=-group["lr"])


def full(parameter: Tensor, step: Tensor, decay: float) -> Tensor:
    """ratio · (Adam's step + decay · w), with ratio |w| / |step| (algorithm 2), or 1 without decay."""
    if not decay:
        return step
    step.add_(parameter, alpha=decay)
    return step.mul_(_ratio(parameter, step))


def capped(parameter: Tensor, step: Tensor, decay: float) -> Tensor:
    """min(1, |w| / |step|) · Adam's step + decay · w."""
    weight, length = parameter.norm(), step.norm()
    return step.mul_(torch.where(length > weight, weight / length, 1.0)).add_(parameter, alpha=decay)


def _ratio(parameter: Tensor, step: Tensor) -> Tensor:
    """|parameter| / |step|, a scalar; 1 where either is 0, so that a matrix of zeros can move."""
    weight, length = parameter.norm(), step.norm()
    return torch.where((weight > 0) & (length > 0), weight / length, 1.0)


SCALINGS: dict[str, Scaled] = {"full": full, "capped": capped}
