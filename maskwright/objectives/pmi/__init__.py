"""Masking collocations as a unit (Levine et al. 2021, "PMI-Masking: principled masking of correlated spans").

Masked alone, a word of *to be or not to be* follows from its neighbours. So words that occur together more often than
by chance are masked together; every other word is masked as a whole.

Shapes: B rows, L positions.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ...data.rows import Rows
from ...masking.parallel import by_rows
from ...settings import settings
from ...settings.bounds import PositiveInt, Size
from ...text.shards.shards import Shards
from ..base.by_unit import ByUnit
from ..base.live import Stateful, logger, unbuilt
from ..base.objective import OpenRun, no_runs
from .collocations import find_collocations, group_words, signs, table


@settings
class Pmi(ByUnit):
    """Masked language modelling, collocation by collocation."""

    num_collocations: Annotated[Size, Field(ge=8)] = 20_000
    """How many collocations are kept: half of two words, a quarter of three, an eighth each of four and five."""
    min_count: PositiveInt = 10
    """How often words must occur together to be considered."""

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> "LivePmi":
        """The same with the collocations of the training text."""
        found = find_collocations(shards.train, signs(shards.tokenizer), self.num_collocations, self.min_count)
        return LivePmi(self, found)

    def units(self, rows: Rows) -> np.ndarray:
        raise unbuilt(self)


class LivePmi(Stateful, Pmi):
    """Masking by the collocations found in a text."""

    follows_validation = False

    def __init__(self, settings: Pmi, names: np.ndarray):
        """names: [C] uint64, as `find_collocations` gives them."""
        super().__init__(settings)
        self.collocations, self.slots = torch.from_numpy(names.view(np.int64)), table(names)

    def units(self, rows: Rows) -> np.ndarray:
        """Collocations, and the words outside them."""
        group = np.empty(rows.word.shape, np.int32)
        tokens, word, document = rows.tokens.numpy(), rows.word.numpy(), rows.document.numpy()
        by_rows(group_words, *group.shape, tokens, word, document, self.slots, group)
        return group

    def on_validation(self, metrics: Mapping[str, float]) -> None:
        """Warn when there are no collocations."""
        if not self.collocations.numel():
            none = f"no words occur together {self.min_count} times"
            logger.warning(f"{none}: pmi masks single words (objective.min_count)")

    def state_dict(self) -> dict[str, Tensor]:
        return {"collocations": self.collocations}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Raises ValueError when the collocations are not those that the run began with."""
        if not torch.equal(state["collocations"], self.collocations):
            raise ValueError("the collocations of the text have changed since the run began")
