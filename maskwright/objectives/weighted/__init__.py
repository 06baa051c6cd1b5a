"""Masking by a table of weights, one per token type: your own, or derived from how rare types are.

Rarity follows frequency-informed masking ("Masked diffusion language models with frequency-informed training",
BabyLM 2025, arXiv 2509.05056): the rank by frequency, scaled to at most 1, to a small power.

Shapes: V tokens of the vocabulary, B rows, L positions.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ...data.rows import Rows
from ...noise import Noise
from ...settings import settings
from ...settings.schedule import Scheduled, value
from ...text.shards.shards import Shards
from ..base.by_weight import ByWeight, of_types
from ..base.live import Stateful, unbuilt
from ..base.objective import Objective, OpenRun, no_runs
from .weight_table import read

FREQUENCY = "frequency"


@settings
class Weighted(ByWeight):
    """Masked language modelling by a table."""

    weights: str | None = None
    """A .json, .csv or .parquet file of weights, by token or id; `frequency` for the rarity of tokens in the training
    text; null for uniform weights. Tokens missing from it have weight 1; those with weight 0 are never masked."""
    power: Scheduled[Annotated[float, Field(gt=0)]] = 1.0
    """The power that weights are raised to, or a schedule of it; near 0 they hardly differ."""

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with its table read. Raises ValueError when that does not fit the vocabulary."""
        if self.weights is None:
            return self
        tokens = shards.tokenizer.tokens
        counted = self.weights == FREQUENCY
        table = rarity(shards.train.counts(len(tokens))) if counted else read(self.weights, tokens)
        return LiveWeighted(self, torch.from_numpy(table))

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """Uniform weights, where there is no table."""
        if self.weights is not None:
            raise unbuilt(self)
        return torch.ones(rows.tokens.shape)


class LiveWeighted(Stateful, Weighted):
    """Masking by a table of weights."""

    def __init__(self, settings: Weighted, weight: Tensor):
        """weight: [V] float32."""
        super().__init__(settings)
        self.weight = weight

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The weight of each token."""
        return of_types(self.weight ** value(self.power, rows.progress), rows.tokens)

    def state_dict(self) -> dict[str, Tensor]:
        return {"weight": self.weight}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Raises ValueError when the table is not the one that the run began with."""
        if not torch.equal(state["weight"], self.weight):
            raise ValueError(f"objective.weights={self.weights} has changed since the run began")


def rarity(counts: np.ndarray) -> np.ndarray:
    """[V] float32, the fraction of types that occur at least as often: the rarest has 1, and none has 0."""
    return (np.searchsorted(np.sort(-counts), -counts, side="right") / len(counts)).astype(np.float32)
