"""ReMDM: ancestral sampling with remasking and no extra training; a settled token is masked with probability σ.

Wang et al. 2025, "Remasking discrete diffusion models with inference-time scaling" (arXiv 2503.00307). With α the share
revealed, 0 ≤ σ ≤ σ_max = min(1, (1 − α_s) / α_t) keeps the distribution of each step.

Shapes: B rows, L positions.
"""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ...settings import settings
from ..sampler import Sampler
from ..step import Step

TINY = 1e-9


@settings
class Remdm(Sampler):
    """Reveal at random and mask again at random (ReMDM)."""

    revises: ClassVar[bool] = True
    stochastic_remask: ClassVar[bool] = True

    strategy: Literal["cap", "rescale", "confidence", "loop", "forward_backward"] = "cap"
    """How σ is computed: min(eta, σ_max), eta · σ_max, σ_max given to the least confident tokens, eta · σ_max in a
    loop at a constant share, or (α_s − α_t) / α_t."""
    eta: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Amount of remasking."""
    loop: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] = (0.45, 0.95)
    """Of `loop`: the share of the run at which the loop begins, and at which it ends."""
    plateau: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Of `loop`: the share revealed while it lasts."""

    def __post_init__(self) -> None:
        if self.loop[0] >= self.loop[1]:
            raise ValueError(f"loop={list(self.loop)}: it begins before it ends, as in [0.45, 0.95]")

    @property
    def exact(self) -> str:
        return (
            ""
            if self.strategy == "confidence"
            else "as the steps grow: tokens revealed in one step do not see each other"
        )

    def hide(self, step: Step) -> Tensor:
        now, then = 1 - step.before, 1 - step.after
        if self.strategy == "loop":
            now, then = (self._looped((step.number + more) / step.steps) for more in (0, 1))
        sigma = self._sigma(step, now, then)  # [B, L]
        chance = (then - (1 - sigma) * now) / max(1 - now, TINY)
        u = step.uniform("remdm")
        return step.active & torch.where(step.masked, u >= chance, u < sigma)

    def _sigma(self, step: Step, now: float, then: float) -> Tensor:
        """[B, L] the probability to mask a settled token again; α is `now` before the step and `then` after it."""
        most = min(1.0, (1 - then) / max(now, TINY))
        if self.strategy == "confidence":
            return (
                most * torch.softmax(torch.where(step.unmasked, -step.settled.clamp(max=1), -torch.inf), 1).nan_to_num()
            )
        sigmas = {"cap": min(self.eta, most), "rescale": self.eta * most}
        sigmas["loop"] = self.eta * most if now == then else 0.0
        sigmas["forward_backward"] = min(max(then - now, 0) / max(now, TINY), most)
        return torch.full(step.tokens.shape, sigmas[self.strategy])

    def _looped(self, done: float) -> float:
        """The share revealed at a share of the run: up to the plateau, along it, and up to all."""
        begin, end = self.loop
        if done < end:
            return self.plateau * min(done / max(begin, TINY), 1.0)
        return self.plateau + (1 - self.plateau) * (done - end) / max(1 - end, TINY)
