"""Fill in every mask, then mask again what a remasker holds for wrong: by rank, by threshold, or mixed with chance."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ...settings import settings
from ..sampler import Sampler, lowest
from ..step import Step

Part = Annotated[float, Field(ge=0, le=1)]


@settings
class Learned(Sampler):
    """Fill everything in, mask what the remasker holds for wrong."""

    revises: ClassVar[bool] = True

    mode: Literal["rank", "threshold", "mixed"] = "rank"
    """As many as the schedule says, the most doubtful; all above the threshold, until there is none; or as many as the
    schedule says, those above the threshold first and the rest at random."""
    randomness: Part = 0.0
    """Of `rank`: ρ in ρ · U + (1 − ρ) · P(wrong)."""
    threshold: Part = 0.5
    """Of `threshold` and `mixed`: the P(wrong) above which a token is masked."""
    min_random_ratio: Part = 0.5
    """Of `mixed`: the least share of the masks that fall at random."""

    @property
    def needs_remasker(self) -> bool:
        return True

    def hide(self, step: Step) -> Tensor:
        return getattr(self, f"_{self.mode}")(step)

    def _rank(self, step: Step) -> Tensor:
        doubt = self.randomness * step.uniform("learned") + (1 - self.randomness) * step.p_wrong
        return lowest(-doubt, step.active, step.budget)

    def _threshold(self, step: Step) -> Tensor:
        return step.active & (step.p_wrong > self.threshold)

    def _mixed(self, step: Step) -> Tensor:
        by_chance = (step.budget * self.min_random_ratio).long()
        wrong = step.active & (step.p_wrong > self.threshold)
        chosen = lowest(-step.p_wrong, step.active, torch.minimum(wrong.sum(1), step.budget - by_chance))
        rest = lowest(step.uniform("mixed"), step.active & ~chosen, step.budget - chosen.sum(1))
        return chosen | rest
