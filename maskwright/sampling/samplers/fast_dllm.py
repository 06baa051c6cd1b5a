"""Fast-dLLM: in each step every mask is revealed whose prediction is certain enough, and at least the surest one.

Wu et al. 2025, "Fast-dLLM: Training-free acceleration of diffusion LLM by enabling KV cache and parallel decoding"
(arXiv 2505.22618). Where few are certain, the schedule's number is revealed, so that the steps suffice.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, lowest
from ..step import Step


@settings
class FastDllm(Sampler):
    """Reveal as many as are certain (Fast-dLLM)."""

    threshold: Annotated[float, Field(ge=0, le=1)] = 0.9
    """The probability of the sampled token from which on it is revealed."""

    def hide(self, step: Step) -> Tensor:
        sure = step.sample_tokens().confidence  # [B, L]
        surest = lowest(-sure, step.masked, step.masked.sum(1).clamp(max=1))
        return lowest(sure, step.masked & (sure < self.threshold) & ~surest, step.budget)
