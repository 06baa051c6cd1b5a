"""Masking by a table of weights, one for each type of token: of your own, or of how rare the types are.

Rarity is that of frequency-informed masking ("Masked diffusion language models with frequency-informed training",
BabyLM 2025, arXiv 2509.05056): the rank by frequency, scaled to at most 1, to a small power.

Shapes: V tokens of the vocabulary, B rows, L positions.
"""

from functools import cached_property
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ...data.rows import Rows
from ...noise import Noise
from ...settings import settings
from ...settings.schedule import Ramp, Steps, value
from ...text.shards.shards import Shards
from ..base.by_weight import ByWeight, of_types
from .weight_table import read

FREQUENCY = "frequency"


@settings
class Weighted(ByWeight):
    """Masked language modelling by a table."""

    weights: str | None = None
    """A .json, .csv or .parquet file of weights, by token or by id; `frequency` for how rare each token of the training
    text is; none for even weights. Tokens that it leaves out have weight 1; those with weight 0 are never hidden."""
    power: Annotated[float, Field(gt=0)] | Ramp | Steps = 1.0
    """What weights are raised to, or a schedule of it: near 0 they hardly differ."""

    @cached_property
    def _state(self) -> dict[str, Tensor]:
        return {}

    def meet(self, shards: Shards) -> None:
        """Read the table. Raises ValueError when it does not fit the vocabulary."""
        if self.weights is not None:
            tokens = shards.tokenizer.tokens
            known = self.weights == FREQUENCY
            weights = rarity(shards.train.counts(len(tokens))) if known else read(self.weights, tokens)
            self._state["weight"] = torch.from_numpy(weights)

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The weight of each token. Raises ValueError when a run has not read the table."""
        if self.weights is None:
            return torch.ones(rows.tokens.shape)
        if "weight" not in self._state:
            raise ValueError(f"weights={self.weights}: a table of weights is read where a run begins, by train")
        return of_types(self._state["weight"] ** value(self.power, rows.progress), rows.tokens)

    def state_dict(self) -> dict[str, Tensor]:
        return self._state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Raises ValueError when the table is not the one that the run began with."""
        if state.keys() != self._state.keys() or not all(torch.equal(state[name], self._state[name]) for name in state):
            raise ValueError(f"objective.weights={self.weights} has changed since the run began")


def rarity(counts: np.ndarray) -> np.ndarray:
    """[V] float32, the share of the types that occur at least as often: the rarest has 1, and none has 0."""
    return (np.searchsorted(np.sort(-counts), -counts, side="right") / len(counts)).astype(np.float32)
