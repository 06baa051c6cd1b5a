"""Detectors with two labels, the tokens [RIGHT] and [WRONG] of the vocabulary.

Shapes: B rows, L positions, N target positions, V tokens.
"""

from abc import ABC

import torch
from torch import Tensor

from ...data.rows import Rows
from ...files.errors import note
from ...masking.select import IGNORE
from ...settings import settings
from ...text.tokenizers.vocabulary import Vocabulary
from .detector import COPIED, CorruptionDetector, wrong_ids


@settings
class Binary(CorruptionDetector, ABC):
    """Binary detection of corrupted tokens."""

    balanced: bool = True
    """Whether right and wrong tokens of a row have equal total weight; probabilities are then for a text half wrong."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.corruption.uses("wrong"):
            note(COPIED)

    def labels(self, rows: Rows, inputs: Tensor, wrong_label: Tensor) -> tuple[Tensor, Tensor]:
        wrong, is_target = inputs != rows.tokens, rows.maskable
        labels = torch.where(wrong, wrong_label, rows.vocabulary.id("right"))
        weights = is_target.float()
        if self.balanced:  # each class gets half of the row's weight, so that the sum over the row stays the same
            n_wrong, n = (wrong & is_target).sum(1, keepdim=True), is_target.sum(1, keepdim=True)  # [B, 1]
            weights = weights * n / (2 * torch.where(wrong, n_wrong, n - n_wrong)).clamp(min=1)
        return torch.where(is_target, labels, IGNORE), weights

    def p_corrupted(self, scores: Tensor, seen: Tensor, vocabulary: Vocabulary) -> Tensor:
        """The probability of the wrong ones among the labels, whatever other tokens score."""
        wrong = scores[:, wrong_ids(vocabulary)].logsumexp(1)
        return (wrong - scores[:, vocabulary.id("right")]).sigmoid()
