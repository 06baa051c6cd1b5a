"""Freeze the body for the first steps of a run that starts from pretrained weights, while the new head is trained.

An untrained head sends gradients that distort what the body has learned (Kumar et al. 2022, "Fine-tuning can distort
pretrained features and underperform out-of-distribution", arXiv 2202.10054).
"""

from math import ceil

import torch
from torch import nn

HEAD = ("head", "decoder", "decoder_bias")
"""Submodules that belong to the output head. The embedding table, even where tied to it, belongs to the body."""


def body(model: nn.Module) -> list[nn.Parameter]:
    """All parameters except those of the head; a model that has a `body` says itself what belongs to it."""
    if isinstance(inside := getattr(model, "body", None), nn.Module):
        parts = getattr(model, "nhot", None)
        return [*inside.parameters(), *(parts.parameters() if parts is not None else ())]
    return [weight for name, weight in model.named_parameters() if name.partition(".")[0] not in HEAD]


class Freeze:
    """Freezes the body of `model` for the first `share` of `steps`; None freezes nothing.

    Frozen parameters get no gradient and no optimizer state. Whether they are frozen depends on the step alone, so that
    a resumed run agrees. Raises ValueError with more than one rank.
    """

    def __init__(self, model: nn.Module, share: float | None, steps: int, ranks: int):
        if share is not None and ranks > 1:
            raise ValueError(f"training.freeze={share:g} works with a single rank, not {ranks}: train without --nproc")
        self.until = 0 if share is None else ceil(share * steps)
        self.body, self.frozen = body(model), False

    def at(self, step: int) -> None:
        """Freeze or unfreeze for the update after `step`. Unfreezing triggers recompilation."""
        if self.frozen == (step < self.until):
            return
        self.frozen = step < self.until
        for weight in self.body:
            weight.requires_grad_(not self.frozen)
        if not self.frozen:
            torch.compiler.reset()
