"""Right or wrong, two tokens of the vocabulary: what detectors share that do not name the token itself.

Shapes: B rows, L positions, N places, V tokens.
"""

from abc import ABC

import torch
from torch import Tensor

from ...data.rows import Rows
from ...masking.select import IGNORE
from ...settings import settings
from ...text.tokenizers.vocabulary import Vocabulary
from .detector import CorruptionDetector


@settings
class Binary(CorruptionDetector, ABC):
    """Name wrong tokens [WRONG] and right ones [RIGHT]."""

    balanced: bool = True
    """Whether the right and the wrong tokens of a row weigh as much; probabilities are then of a text half wrong."""

    def labels(self, rows: Rows, inputs: Tensor) -> tuple[Tensor, Tensor]:
        wrong, asked = inputs != rows.tokens, rows.maskable
        named = torch.where(wrong, rows.vocabulary.id("wrong"), rows.vocabulary.id("right"))
        weights = asked.float()
        if self.balanced:
            bad, all_ = (wrong & asked).sum(1, keepdim=True), asked.sum(1, keepdim=True)  # [B, 1]
            weights = weights * all_ / (2 * torch.where(wrong, bad, all_ - bad)).clamp(min=1)
        return torch.where(asked, named, IGNORE), weights

    def p_corrupted(self, scores: Tensor, seen: Tensor, vocabulary: Vocabulary) -> Tensor:
        """[WRONG] against [RIGHT], whatever other tokens score."""
        return (scores[:, vocabulary.id("wrong")] - scores[:, vocabulary.id("right")]).sigmoid()
