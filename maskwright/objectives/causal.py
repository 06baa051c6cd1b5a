"""Predict the next token from those before it; or, backward, the previous token from those after it.

The backward view is the upper triangle: a position attends to itself and what follows. So [SEP] is the target of a
document's last token, and backward [CLS] that of its first.
"""

from typing import Literal

import torch

from ..attention import BACKWARD, FORWARD
from ..data.rows import Rows
from ..masking.select import IGNORE
from ..noise import Noise
from ..settings import settings
from .base.objective import Objective
from .base.problem import Problem, shifted


@settings
class Causal(Objective):
    """Causal language modelling."""

    direction: Literal["forward", "backward"] = "forward"
    """Whether the next token is predicted or the previous one."""

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({self.direction})

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """Every token of text is a target; forward so is the end of its document, backward its beginning."""
        forward = self.direction == "forward"
        end = rows.vocabulary.sep if forward else rows.vocabulary.cls
        is_target = rows.maskable | (rows.tokens == end) & (rows.document >= 0)
        targets = torch.where(is_target, rows.tokens, IGNORE)
        view = torch.full_like(rows.ids, FORWARD if forward else BACKWARD)
        whole = Problem(rows.tokens.clone(), targets, is_target.float(), view)
        return shifted(whole, rows.document, 1 if forward else -1)
