"""Detect corrupted tokens: predict the token itself where it is right and [WRONG] where it is not, or the original.

A sampler masks again what is predicted [WRONG]. Vocabulary and architecture are those of an unmasking model, so that
either can be initialised from the other, and the two can be merged.

Shapes: B rows, L positions, N target positions, V tokens.
"""

from typing import Literal

import torch
from torch import Tensor

from ..data.rows import Rows
from ..files.errors import note
from ..masking.select import IGNORE
from ..settings import settings
from ..text.tokenizers.vocabulary import Vocabulary
from .base.detector import COPIED, CorruptionDetector, wrong_ids

DEGENERATE = (
    "loss=corrupted_only with target=wrong is solved by the constant answer [WRONG]: "
    "look at valid/detection/…, or train with loss=all_positions"
)


@settings
class Remask(CorruptionDetector):
    """Predict [WRONG] at corrupted tokens and the token itself elsewhere; or the original everywhere."""

    target: Literal["wrong", "original"] = "wrong"
    """The label of a corrupted position: [WRONG], or the original token."""
    loss: Literal["all_positions", "corrupted_only"] = "all_positions"
    """Which positions have a target."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target == "wrong" and self.loss == "corrupted_only":
            note(DEGENERATE)
        if self.target == "wrong" and self.corruption.uses("wrong"):
            note(COPIED)
        if self.target == "original" and self.wrong_labels == "by_kind":
            raise ValueError("wrong_labels=by_kind with target=original, which has no wrong labels: take target=wrong")

    @property
    def capabilities(self) -> frozenset[str]:
        """With originals asked for in texts that have masks, it corrects: the sampler `edit` may then take it."""
        corrects = self.target == "original" and self.reads_masks
        return frozenset({"detect", "denoise"} if corrects else {"detect"})

    @property
    def leak_exemption(self) -> str:
        return "where nothing was replaced, the label is the token itself: it means that the token is right"

    def labels(self, rows: Rows, inputs: Tensor, wrong_label: Tensor) -> tuple[Tensor, Tensor]:
        wrong = inputs != rows.tokens
        labels = torch.where(wrong, wrong_label, rows.tokens) if self.target == "wrong" else rows.tokens
        is_target = rows.maskable & wrong if self.loss == "corrupted_only" else rows.maskable
        return torch.where(is_target, labels, IGNORE), is_target.float()

    def p_corrupted(self, scores: Tensor, seen: Tensor, vocabulary: Vocabulary) -> Tensor:
        """The probability of [WRONG]; of anything but the token itself where originals are predicted."""
        if self.target == "wrong":
            return scores.softmax(1)[:, wrong_ids(vocabulary)].sum(1)
        return 1 - scores.softmax(1).gather(1, seen[:, None])[:, 0]
