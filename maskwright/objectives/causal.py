"""Name the next token from those before it; or, backward, the token before from those after it.

The backward view is the upper triangle: a position sees itself and what follows. The last token of a document has
nothing after it but its separator, as the first has nothing before it but [CLS].
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
    """Whether the next token is named or the one before."""

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({self.direction})

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """Every token of text is asked for; forward the end of its document too, backward its beginning."""
        forward = self.direction == "forward"
        end = rows.vocabulary.sep if forward else rows.vocabulary.cls
        asked = rows.maskable | (rows.tokens == end) & (rows.document >= 0)
        targets = torch.where(asked, rows.tokens, IGNORE)
        view = torch.full_like(rows.ids, FORWARD if forward else BACKWARD)
        whole = Problem(rows.tokens.clone(), targets, asked.float(), view)
        return shifted(whole, rows.document, 1 if forward else -1)
