"""Adaptive masking: types of tokens that the model names wrongly are hidden more often (AMLM; Edman and Fraser 2025,
"Mask and You Shall Receive", arXiv 2510.20475).

What is hidden in a row depends on its address and on what the run has learned so far, which goes into its checkpoints.
"""

from dataclasses import replace
from functools import cached_property
from math import exp
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ...data.rows import Rows
from ...noise import Noise
from ...settings import settings
from ..base.by_weight import ByWeight, of_types
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

    @cached_property
    def _state(self) -> State:
        return {}

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The weight of each token's type. Raises ValueError when they were learned with another vocabulary."""
        if not self._state:
            self._state.update(begin(rows.vocabulary))
        if (size := len(self._state["weight"])) != rows.vocabulary.size:
            raise ValueError(f"the weights were learned of {size} tokens, and the tokenizer has {rows.vocabulary.size}")
        return of_types(self._state["weight"], rows.tokens)

    def for_validation(self) -> "Adaptive":
        """The same with even weights, as it began."""
        return replace(self)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Count how the hidden tokens fared, by type; those that were kept in sight do not count."""
        tally(self._state, problem, loss, correct, whole=self.unit != "token")

    def end_step(self) -> None:
        """Update the weights when it is time."""
        steps = int(self._state["steps"].add_(1))
        if steps % self.update_every == 0 and steps >= self.first_update:
            update(self._state, self.score, self.momentum, self.floor)

    def state_dict(self) -> State:
        return self._state

    def load_state_dict(self, state: State) -> None:
        self._state.update({name: tensor.clone() for name, tensor in state.items()})

    @property
    def _known(self) -> Tensor:
        """[K] float32, the weights of ordinary types."""
        weight = self._state.get("weight", torch.zeros(0))
        return weight[weight > 0]

    def log(self) -> dict[str, Any]:
        """The spread of the weights, and how many types as heavy as each other would be as diverse, as a share."""
        if not len(weight := self._known):
            return {}
        share = weight.double() / weight.double().sum()
        diverse = exp(-float((share * share.log()).sum())) / len(share)
        return {"weights/spread": float(weight.std()), "weights/diversity": diverse}

    def warnings(self) -> list[str]:
        """Whether the weights have collapsed: to no difference at all, or to a few types."""
        if not self._state or not int(self._state["updates"]):
            return []
        weight = self._known.sort(descending=True).values.double()
        few = float(weight[: max(1, int(FEW * len(weight)))].sum() / weight.sum())
        found = []
        if float(weight.std()) < EVEN:
            found.append(f"the weights of all tokens are the same to {EVEN:.0%}: masking adapts to nothing")
        if few > MASS:
            found.append(f"{FEW:.0%} of the tokens have {few:.0%} of the weight: raise objective.floor")
        return found

    def table(self) -> dict[str, np.ndarray]:
        """Weight, difficulty when last judged (NaN before), and how often it was judged, of each type."""
        names = {"weight": "weight", "difficulty": "score", "count": "judged"}
        return {column: self._state[name].numpy() for column, name in names.items()} if self._state else {}
