"""Two objectives on one model: a fraction of the rows goes to the one, the rest to the other.

Which row goes where is drawn by address, so that neither batches nor ranks matter. GPT-BERT (Charpentier and Samuel
2024, section 2) gives 15 rows of 16 to masked next-token prediction and one to causal prediction.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field
from torch import Tensor

from ..data.rows import Rows
from ..noise import Noise
from ..settings import settings
from ..settings.schedule import Probability, Scheduled, value
from .base.dealt import Dealt
from .base.objective import Objective, objective_field
from .base.problem import Problem


@settings
class Hybrid(Dealt):
    """A mixture of two objectives, row by row, as masked and causal in GPT-BERT."""

    masked: Annotated[Objective, objective_field("mntp")] = Field({}, validate_default=True)
    """The objective of most rows, and the one that scores a text."""
    causal: Annotated[Objective, objective_field("causal")] = Field({}, validate_default=True)
    """The objective of the other rows."""
    share: Scheduled[Probability] = 1 / 16
    """The fraction of the other rows, or a schedule of it."""

    @property
    def capabilities(self) -> frozenset[str]:
        return self.masked.capabilities | self.causal.capabilities

    def deal(self, rows: Rows, noise: Noise) -> Tensor:
        return (noise.uniform("part", 1)[:, 0] < value(self.share, rows.progress)).long()

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        return self.masked.scoring(rows)
