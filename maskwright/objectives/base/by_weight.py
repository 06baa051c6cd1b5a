"""Masking by weight: each position is masked with probability min(1, c · weight), c such that `ratio` is exact.

A subclass decides what the weights are.

Shapes: B rows, L positions.
"""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor

from ...data.rows import Rows
from ...masking.select import random_tiling
from ...masking.weighted import systematic_tokens, systematic_units
from ...noise import Noise
from ...settings import settings
from ...settings.bounds import Size
from ...settings.schedule import Scheduled, whole
from .objective import Masked


def of_types(weight: Tensor, tokens: Tensor) -> Tensor:
    """[B, L], `weight` [V] at each of `tokens`, [B, L] int64. Indexing with `[tokens]` takes four times as long."""
    return weight.index_select(0, tokens.flatten()).view(tokens.shape)


@settings
class ByWeight(Masked, ABC):
    """Masked language modelling by weight. A subclass only gives the weights: `weigh`.

    Where weights depend on the tokens, so does the choice of positions: a [MASK] then reveals a little about the token
    behind it, as in every weighted masking.
    """

    unit: Literal["token", "word", "span"] = "token"
    """What is masked as one: a token, a word or a span, the latter two by the mean weight of their tokens."""
    max_span_length: Scheduled[Size] = 3
    """Lengths of spans are uniform from 1 to this, in tokens, or a schedule of it; spans tile the row, and the last is
    cut to the budget."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.balance:
            raise ValueError("balance=true: weighted masking cannot be balanced; use objective mlm")

    @property
    def by_word(self) -> bool:
        return self.unit == "word"

    @abstractmethod
    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] float32, at least 0: how often each position is masked, relative to the others of its row."""

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        weight, word = self.weigh(rows, noise).numpy(), rows.word.numpy()
        budget, _, keys = self.budget_and_order(rows, noise)
        if self.unit == "token":
            return torch.from_numpy(systematic_tokens(weight, word, budget, keys))
        if self.unit == "word":
            return torch.from_numpy(systematic_units(weight, word, budget, keys, True, self.at_least_one))
        tiles = random_tiling(word, noise.keys("length"), whole(self.max_span_length, rows.progress))
        return torch.from_numpy(systematic_units(weight, tiles, budget, keys, False, False))
