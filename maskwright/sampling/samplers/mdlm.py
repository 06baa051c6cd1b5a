"""Ancestral sampling of masked diffusion: each mask is revealed at random, and revealed tokens stay.

Sahoo et al. 2024, "Simple and effective masked diffusion language models" (MDLM): a mask stays with
probability (1 − α_s) / (1 − α_t). Which masks go does not depend on the model, so only they are scored.
"""

from torch import Tensor

from ...settings import settings
from ..sampler import Sampler
from ..step import Step


@settings
class Mdlm(Sampler):
    """Reveal at random, never mask again (MDLM)."""

    @property
    def exact(self) -> str:
        return "as the steps grow: tokens revealed in one step do not see each other"

    def hide(self, step: Step) -> Tensor:
        return step.masked & (step.uniform("stay") < step.after / max(step.before, 1e-9))
