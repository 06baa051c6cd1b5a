"""Fill in every mask, then mask again what a remasker considers wrong: by rank, by threshold, or partly at random."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ...settings import settings
from ...settings.bounds import Size
from ..sampler import Sampler, lowest
from ..step import Step

Part = Annotated[float, Field(ge=0, le=1)]


@settings
class Learned(Sampler):
    """Fill everything in, mask what the remasker considers wrong."""

    revises: ClassVar[bool] = True

    mode: Literal["rank", "threshold", "mixed", "spans"] = "rank"
    """`rank`: the schedule's number of tokens, those most likely wrong. `threshold`: all above it, until there is none.
    `mixed`: the schedule's number, those above the threshold first and the rest at random. `spans`: the schedule's
    number, in the spans with the highest mean P(wrong), and there those most likely wrong."""
    randomness: Part = 0.0
    """Of `rank`: ρ in ρ · U + (1 − ρ) · P(wrong)."""
    threshold: Part = 0.5
    """Of `threshold` and `mixed`: the P(wrong) above which a token is masked."""
    min_random_ratio: Part = 0.5
    """Of `mixed`: the smallest share of the masks that is chosen at random."""
    span_length: Size = 8
    """Of `spans`: how many tokens are decided on together; where the spans begin is drawn in each step."""
    span_density: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Of `spans`: the share of the tokens of a chosen span that are masked; 1 masks whole spans."""

    @property
    def needs_remasker(self) -> bool:
        return True

    def hide(self, step: Step) -> Tensor:
        return getattr(self, f"_{self.mode}")(step)

    def _rank(self, step: Step) -> Tensor:
        score = self.randomness * step.uniform("learned") + (1 - self.randomness) * step.p_wrong
        return lowest(-score, step.active, step.budget)

    def _threshold(self, step: Step) -> Tensor:
        return step.active & (step.p_wrong > self.threshold)

    def _mixed(self, step: Step) -> Tensor:
        at_random = (step.budget * self.min_random_ratio).long()
        wrong = step.active & (step.p_wrong > self.threshold)
        chosen = lowest(-step.p_wrong, step.active, torch.minimum(wrong.sum(1), step.budget - at_random))
        rest = lowest(step.uniform("mixed"), step.active & ~chosen, step.budget - chosen.sum(1))
        return chosen | rest

    def _spans(self, step: Step) -> Tensor:
        place = step.active.cumsum(1) - 1 + step.noise.below(self.span_length, "spans", 1)
        span = (place // self.span_length).clamp(min=0)  # [B, L], the number of the span of each position
        wrong, size = (
            torch.zeros_like(each).scatter_add_(1, span, each).gather(1, span)
            for each in (step.p_wrong.double(), step.active.double())
        )
        wide = (step.budget / self.span_density).ceil().long()  # tokens of the chosen spans, the last one cut to fit
        among = lowest(-wrong / size.clamp(min=1), step.active, wide)
        return lowest(-step.p_wrong, among, step.budget)
