"""Collocations as one (Levine et al. 2021, "PMI-Masking: principled masking of correlated spans").

Hidden alone, a word of *to be or not to be* is named by its neighbours without any thought. So words that come together
more often than chance would have them are hidden together; every other word is hidden as a whole.

Shapes: B rows, L positions.
"""

from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ...data.rows import Rows
from ...masking.parallel import by_rows
from ...settings import settings
from ...text.shards.shards import Shards
from ..base.by_unit import ByUnit
from .collocations import find_collocations, group_words, signs, table


@settings
class Pmi(ByUnit):
    """Masked language modelling, collocation by collocation."""

    needs_text: ClassVar[bool] = True

    num_collocations: Annotated[int, Field(ge=8)] = 20_000
    """How many collocations are kept: half of them two words, a quarter three, an eighth each four and five."""
    min_count: Annotated[int, Field(ge=1)] = 10
    """How often words must come together to be looked at."""

    @cached_property
    def _state(self) -> dict[str, Tensor]:
        return {}

    def meet(self, shards: Shards) -> None:
        """Find the collocations of the training text."""
        found = find_collocations(shards.train, signs(shards.tokenizer), self.num_collocations, self.min_count)
        self._state["collocations"] = torch.from_numpy(found.view(np.int64))

    @cached_property
    def _table(self) -> np.ndarray:
        return table(self._state["collocations"].numpy().view(np.uint64))

    def units(self, rows: Rows) -> np.ndarray:
        """Collocations. Raises ValueError when a run has not found them."""
        if not self._state:
            raise ValueError("pmi: collocations are found in the text where a run begins, by train")
        group = np.empty(rows.word.shape, np.int32)
        tokens, word, document = rows.tokens.numpy(), rows.word.numpy(), rows.document.numpy()
        by_rows(group_words, *group.shape, tokens, word, document, self._table, group)
        return group

    def state_dict(self) -> dict[str, Tensor]:
        return self._state

    def warnings(self) -> list[str]:
        if self._state["collocations"].numel():
            return []
        return [f"no words come together {self.min_count} times: pmi hides them one by one (objective.min_count)"]

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Raises ValueError when the collocations are not those that the run began with."""
        if not torch.equal(state["collocations"], self._state["collocations"]):
            raise ValueError("the collocations of the text have changed since the run began")
