"""The body of a model as it was, while its head learns to use it: the first steps of a run that starts from another.

A head that knows nothing sends gradients that undo what the body has learned (Kumar et al. 2022, "Fine-tuning can
distort pretrained features and underperform out-of-distribution", arXiv 2202.10054).
"""

from math import ceil

import torch
from torch import nn

HEAD = ("head", "decoder", "decoder_bias")
"""What a model names tokens with, besides the table of its embeddings, which is of the body."""


def body(model: nn.Module) -> list[nn.Parameter]:
    """Every parameter but those of the head."""
    return [weight for name, weight in model.named_parameters() if name.partition(".")[0] not in HEAD]


class Freeze:
    """Keeps the body of `model` for the first `share` of `steps`; none for not at all.

    No gradient is computed for what is frozen, and its optimizer state begins when it thaws. Whether it is frozen
    depends on the step alone. Raises ValueError when several ranks train the model.
    """

    def __init__(self, model: nn.Module, share: float | None, steps: int, ranks: int):
        if share is not None and ranks > 1:
            raise ValueError(f"training.freeze={share:g} takes one rank, and there are {ranks}: train without --nproc")
        self.until = 0 if share is None else ceil(share * steps)
        self.body, self.frozen = body(model), False

    def at(self, step: int) -> None:
        """Be as it is to be when `step` updates are done. What was compiled is compiled again when the body thaws."""
        if self.frozen == (step < self.until):
            return
        self.frozen = step < self.until
        for weight in self.body:
            weight.requires_grad_(not self.frozen)
        if not self.frozen:
            torch.compiler.reset()
