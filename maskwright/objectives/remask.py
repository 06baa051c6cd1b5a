"""Find what is wrong: name the original where a token is right and [WRONG] where it is not; or mend it at once.

A sampler masks again what is named [WRONG]. The vocabulary and the model are those of an unmasker, so that the two can
start from each other, and be merged.

Shapes: B rows, L positions, N places, V tokens.
"""

import warnings
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ..data.rows import Rows
from ..masking.select import IGNORE
from ..settings import settings
from ..text.tokenizers.vocabulary import Vocabulary
from .base.detector import CorruptionDetector

DEGENERATE = (
    "loss=corrupted_only with target=wrong has a constant as its perfect answer, [WRONG] everywhere: "
    "look at valid/detection/…, or train with loss=all_positions"
)


@settings
class Remask(CorruptionDetector):
    """Name wrong tokens [WRONG] and right ones by themselves, or all by their originals."""

    leak_exemption: ClassVar[str] = (
        "where nothing was replaced, the label is the token itself: it means that the token is right"
    )

    target: Literal["wrong", "original"] = "wrong"
    """What a corrupted position must name: [WRONG], or the token that was there."""
    loss: Literal["all_positions", "corrupted_only"] = "all_positions"
    """Where something is asked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target == "wrong" and self.loss == "corrupted_only":
            warnings.warn(DEGENERATE, stacklevel=2)

    def labels(self, rows: Rows, inputs: Tensor) -> tuple[Tensor, Tensor]:
        wrong = inputs != rows.tokens
        named = torch.where(wrong, rows.vocabulary.id("wrong"), rows.tokens) if self.target == "wrong" else rows.tokens
        asked = rows.maskable & wrong if self.loss == "corrupted_only" else rows.maskable
        return torch.where(asked, named, IGNORE), asked.float()

    def p_corrupted(self, scores: Tensor, seen: Tensor, vocabulary: Vocabulary) -> Tensor:
        """The probability of [WRONG]; of anything but the token itself where originals are named."""
        if self.target == "wrong":
            return scores.softmax(1)[:, vocabulary.id("wrong")]
        return 1 - scores.softmax(1).gather(1, seen[:, None])[:, 0]
