"""Masking by a table of weights, one per token type: your own, by classes of tokens, or by how rare types are.

Rarity follows frequency-informed masking ("Masked diffusion language models with frequency-informed training",
BabyLM 2025, arXiv 2509.05056): the rank by frequency, scaled to at most 1, to a small power.

Shapes: V tokens of the vocabulary, B rows, L positions.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import BeforeValidator, Field
from torch import Tensor

from ...data.rows import Rows
from ...noise import Noise
from ...settings import settings
from ...settings.schedule import Scheduled, pairs, value
from ...text.pos_lexicon import count, read_classes
from ...text.shards.shards import Shards
from ...text.tokenizers.tokenizer import Tokenizer
from ..base.by_weight import ByWeight, of_types
from ..base.live import Stateful, unbuilt
from ..base.objective import Objective, OpenRun, no_runs
from .weight_table import read

FREQUENCY = "frequency"
Rate = Annotated[float, Field(ge=0)]


@settings
class Weighted(ByWeight):
    """Masked language modelling by a table."""

    weights: str | None = None
    """A .json, .csv or .parquet file of weights, by token or id; `frequency` for the rarity of tokens in the training
    text; null for uniform weights. Tokens missing from it have weight 1; those with weight 0 are never masked."""
    classes: str | None = None
    """A file of sentences, `word_CLASS word_CLASS …`, that says which class words belong to, as parts of speech."""
    rates: Annotated[tuple[tuple[str, Scheduled[Rate]], ...], BeforeValidator(pairs)] = ()
    """How often tokens of each class are masked, relative to other tokens, or schedules of it: `{NOUN: 2, DET: 0.5}`. A
    token in words of several classes has the mean of their rates. NOUN, VERB, … also stand for the tags of Penn."""
    power: Scheduled[Annotated[float, Field(gt=0)]] = 1.0
    """The power that weights are raised to, or a schedule of it; near 0 they hardly differ."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.classes is None) != (not self.rates):
            raise ValueError("classes and rates go together: the file that names the classes, and the rate of each")
        if self.classes is not None and self.weights is not None:
            raise ValueError("weights and classes are both given: tokens have their weights from one of them")
        if len({name for name, _ in self.rates}) < len(self.rates):
            raise ValueError("rates names a class twice")

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with its table read. Raises ValueError when that does not fit the vocabulary or the classes."""
        if self.classes is not None:
            names = [name for name, _ in self.rates]
            return LiveWeighted(self, torch.from_numpy(class_shares(self.classes, names, shards.tokenizer)))
        if self.weights is None:
            return self
        tokens = shards.tokenizer.tokens
        counted = self.weights == FREQUENCY
        table = rarity(shards.train.counts(len(tokens))) if counted else read(self.weights, tokens)
        return LiveWeighted(self, torch.from_numpy(table))

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """Uniform weights, where there is no table."""
        if self.weights is not None or self.classes is not None:
            raise unbuilt(self)
        return torch.ones(rows.tokens.shape)


class LiveWeighted(Stateful, Weighted):
    """Masking by a table of weights."""

    def __init__(self, settings: Weighted, weight: Tensor):
        """weight: [V] float32; or [1 + K, V] float32, each token's shares of no class and of K classes."""
        super().__init__(settings)
        self.weight = weight

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The weight of each token."""
        rates = torch.tensor([1.0, *(value(rate, rows.progress) for _, rate in self.rates)])
        weight = rates @ self.weight if self.rates else self.weight
        return of_types(weight ** value(self.power, rows.progress), rows.tokens)

    def state_dict(self) -> dict[str, Tensor]:
        return {"weight": self.weight}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Raises ValueError when the table is not the one that the run began with."""
        if not torch.equal(state["weight"], self.weight):
            source = f"weights={self.weights}" if self.weights else f"classes={self.classes}"
            raise ValueError(f"objective.{source} has changed since the run began")


def rarity(counts: np.ndarray) -> np.ndarray:
    """[V] float32, the fraction of types that occur at least as often: the rarest has 1, and none has 0."""
    return (np.searchsorted(np.sort(-counts), -counts, side="right") / len(counts)).astype(np.float32)


def class_shares(path: str, names: Sequence[str], tokenizer: Tokenizer) -> np.ndarray:
    """[1 + K, V] float32, how much of each token's occurrences in the lexicon is of no class, and of K classes.

    A token that the lexicon does not have is of no class.
    """
    counts = count(read_classes(path, names), ["", *names], tokenizer)
    counts[0, counts.sum(0) == 0] = 1
    return (counts / counts.sum(0)).astype(np.float32)
