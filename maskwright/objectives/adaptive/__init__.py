"""Adaptive masking: token types that the model predicts badly are masked more often (AMLM; Edman and Fraser 2025, "Mask
and You Shall Receive", arXiv 2510.20475).

What is masked in a row depends on its address and on the weights learned so far, which are part of a checkpoint.
"""

from collections.abc import Mapping
from math import exp
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from torch import Tensor

from ...data.rows import Rows
from ...noise import Noise
from ...settings import settings
from ...text.shards.shards import Shards
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.by_weight import ByWeight, of_types
from ..base.live import Stateful, logger, unbuilt
from ..base.objective import OpenRun, no_runs
from ..base.problem import Problem
from .difficulty import State, begin, tally, update

MIN_SPREAD, TOP_TYPES, MAX_TOP_WEIGHT = 0.01, 0.01, 0.5
"""Weights have collapsed when their standard deviation is below MIN_SPREAD, or when the TOP_TYPES share of types with
the largest weights has more than MAX_TOP_WEIGHT of the total."""


@settings
class Adaptive(ByWeight):
    """Masked language modelling by difficulty."""

    score: Literal["hard", "soft"] = "hard"
    """What makes a type difficult: low accuracy (hard), or a high mean loss (soft)."""
    update_every: Annotated[int, Field(ge=1)] = 200
    """Steps between updates of the weights."""
    first_update: Annotated[int, Field(ge=0)] = 0
    """No update happens before this step."""
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.2
    """λ, the fraction of the old weights that an update keeps."""
    floor: Annotated[float, Field(ge=0, lt=1)] = 0.0125
    """The minimum weight of a type, where 1 is the mean; the published 0.005 at a ratio of 0.40."""

    @property
    def learns(self) -> bool:
        return True

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> "LiveAdaptive":
        """The same with uniform weights, which then follow the observed difficulty."""
        return LiveAdaptive(self, shards.vocabulary)

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        raise unbuilt(self)


class LiveAdaptive(Stateful, Adaptive):
    """Adaptive masking with the weights that it has learned so far."""

    follows_validation = False

    def __init__(self, settings: Adaptive, vocabulary: Vocabulary):
        super().__init__(settings)
        self.vocabulary, self.state = vocabulary, begin(vocabulary)

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The weight of each token's type."""
        return of_types(self.state["weight"], rows.tokens)

    def for_validation(self) -> "LiveAdaptive":
        """The same with its initial, uniform weights."""
        return LiveAdaptive(self.settings, self.vocabulary)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Count losses and correct predictions of the masked tokens by type; tokens that were kept do not count."""
        tally(self.state, problem, loss, correct, whole=self.unit != "token")

    def end_step(self) -> None:
        """Update the weights when an update is due."""
        steps = int(self.state["steps"].add_(1))
        if steps % self.update_every == 0 and steps >= self.first_update:
            update(self.state, self.score, self.momentum, self.floor)

    def on_validation(self, metrics: Mapping[str, float]) -> None:
        """Warn when the weights have collapsed: to a uniform distribution, or onto a few types."""
        if not int(self.state["updates"]):
            return
        weight = self._weights.sort(descending=True).values.double()
        share = float(weight[: max(1, int(TOP_TYPES * len(weight)))].sum() / weight.sum())
        if float(weight.std()) < MIN_SPREAD:
            logger.warning(f"all tokens have the same masking weight to {MIN_SPREAD:.0%}: masking does not adapt")
        if share > MAX_TOP_WEIGHT:
            logger.warning(
                f"{TOP_TYPES:.0%} of the tokens have {share:.0%} of the masking weight: raise objective.floor"
            )

    def state_dict(self) -> State:
        return self.state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        if (size := len(state["weight"])) != self.vocabulary.size:
            raise ValueError(
                f"the weights were learned for {size} tokens, and the tokenizer has {self.vocabulary.size}"
            )
        self.state.update({name: tensor.clone() for name, tensor in state.items()})

    def log(self) -> dict[str, Any]:
        """The standard deviation of the weights, and their diversity: exp(entropy), the number of types of equal weight
        that would have the same entropy, as a fraction of all types."""
        weight = self._weights
        share = weight.double() / weight.double().sum()
        diversity = exp(-float((share * share.log()).sum())) / len(share)
        return {"weights/spread": float(weight.std()), "weights/diversity": diversity}

    def table(self) -> dict[str, np.ndarray]:
        """Weight, difficulty at the last update (NaN before) and number of counted predictions of each type."""
        names = {"weight": "weight", "difficulty": "score", "count": "judged"}
        return {column: self.state[name].numpy() for column, name in names.items()}

    @property
    def _weights(self) -> Tensor:
        """[K] float32, the weights of ordinary types."""
        weight = self.state["weight"]
        return weight[weight > 0]
