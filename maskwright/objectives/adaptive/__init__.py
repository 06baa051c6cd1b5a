"""Adaptive masking: types of tokens that the model names wrongly are hidden more often (AMLM; Edman and Fraser 2025,
"Mask and You Shall Receive", arXiv 2510.20475).

What is hidden in a row depends on its address and on what the run has learned so far, which goes into its checkpoints.
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

EVEN, FEW, MASS = 0.01, 0.01, 0.5
"""Weights have collapsed when their spread is below EVEN, or when a share FEW of the types has MASS of the weight."""


@settings
class Adaptive(ByWeight):
    """Masked language modelling by difficulty."""

    score: Literal["hard", "soft"] = "hard"
    """What makes a type difficult: few right answers (hard), or a high mean loss (soft)."""
    update_every: Annotated[int, Field(ge=1)] = 200
    """Steps between updates of the weights."""
    first_update: Annotated[int, Field(ge=0)] = 0
    """The step before which there is none."""
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.2
    """λ, what an update keeps of the old weights."""
    floor: Annotated[float, Field(ge=0, lt=1)] = 0.0125
    """The least weight of a type, where 1 is the mean; the published 0.005 at a ratio of 0.40."""

    @property
    def learns(self) -> bool:
        return True

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> "LiveAdaptive":
        """The same with even weights, which follow what it observes."""
        return LiveAdaptive(self, shards.vocabulary)

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        raise unbuilt(self)


class LiveAdaptive(Stateful, Adaptive):
    """Adaptive masking with the weights that it has learned so far."""

    def __init__(self, settings: Adaptive, vocabulary: Vocabulary):
        super().__init__(settings)
        self.vocabulary, self.state = vocabulary, begin(vocabulary)

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The weight of each token's type."""
        return of_types(self.state["weight"], rows.tokens)

    def for_validation(self) -> "LiveAdaptive":
        """The same with even weights, as it began."""
        return LiveAdaptive(self.settings, self.vocabulary)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Count the losses and right predictions of the hidden tokens, by type; tokens kept in sight do not count."""
        tally(self.state, problem, loss, correct, whole=self.unit != "token")

    def end_step(self) -> None:
        """Update the weights when an update is due."""
        steps = int(self.state["steps"].add_(1))
        if steps % self.update_every == 0 and steps >= self.first_update:
            update(self.state, self.score, self.momentum, self.floor)

    def on_validation(self, metrics: Mapping[str, float]) -> None:
        """Warn when the weights have collapsed: to no difference at all, or to a few types."""
        if not int(self.state["updates"]):
            return
        weight = self._weights.sort(descending=True).values.double()
        share = float(weight[: max(1, int(FEW * len(weight)))].sum() / weight.sum())
        if float(weight.std()) < EVEN:
            logger.warning(f"all tokens have the same masking weight to {EVEN:.0%}: masking adapts to nothing")
        if share > MASS:
            logger.warning(f"{FEW:.0%} of the tokens have {share:.0%} of the masking weight: raise objective.floor")

    def state_dict(self) -> State:
        return self.state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        if (size := len(state["weight"])) != self.vocabulary.size:
            raise ValueError(
                f"the weights were learned for {size} tokens, and the tokenizer has {self.vocabulary.size}"
            )
        self.state.update({name: tensor.clone() for name, tensor in state.items()})

    def log(self) -> dict[str, Any]:
        """The spread of the weights, and their diversity: how many types of equal weight have the same entropy, as a
        fraction of all types."""
        weight = self._weights
        share = weight.double() / weight.double().sum()
        diversity = exp(-float((share * share.log()).sum())) / len(share)
        return {"weights/spread": float(weight.std()), "weights/diversity": diversity}

    def table(self) -> dict[str, np.ndarray]:
        """Weight, difficulty at the last update (NaN before), and how often it was counted, of each type."""
        names = {"weight": "weight", "difficulty": "score", "count": "judged"}
        return {column: self.state[name].numpy() for column, name in names.items()}

    @property
    def _weights(self) -> Tensor:
        """[K] float32, the weights of ordinary types."""
        weight = self.state["weight"]
        return weight[weight > 0]
