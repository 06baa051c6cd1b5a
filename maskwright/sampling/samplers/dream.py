"""Dream: reveal as many masks as the schedule expects, the most certain predictions first.

Ye et al. 2025, "Dream 7B: Diffusion large language models": by the probability of the token drawn, by the lead of the
best token over the second, or by entropy. The last two do not look at the token drawn, which leaves the distribution as
it is.
"""

from typing import Literal

from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, lowest
from ..step import Step


@settings
class Dream(Sampler):
    """Reveal by the schedule, the most certain first (Dream)."""

    order: Literal["entropy", "margin", "confidence"] = "entropy"
    """Certainty: low entropy, a large top-1 margin, or a high probability."""

    @property
    def exact(self) -> str:
        return "" if self.order == "confidence" else "with a step for each token"

    def hide(self, step: Step) -> Tensor:
        masked = step.masked.sum(1)
        revealed = (masked * (1 - step.after / max(step.before, 1e-9)) + 1e-9).long()
        return lowest(step.sample_tokens(self.order).score, step.masked, masked - revealed)
