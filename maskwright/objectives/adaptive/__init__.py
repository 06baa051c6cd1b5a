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
from ...settings.bounds import MOST, PositiveInt
from ...settings.schedule import value
from ...text.shards.shards import Shards
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.by_weight import ByWeight, of_types
from ..base.live import Stateful, logger, unbuilt
from ..base.objective import OpenRun, no_runs
from ..base.problem import Problem
from . import budget, published
from .difficulty import State, tally

MIN_SPREAD, TOP_TYPES, MAX_TOP_WEIGHT = 0.01, 0.01, 0.5
"""Weights have collapsed when their standard deviation is below MIN_SPREAD, or when the TOP_TYPES share of types with
the largest weights has more than MAX_TOP_WEIGHT of the total."""
LAWS: dict[str, Any] = {"budget": budget, "published": published}
"""How scores become weights, and weights masks."""


@settings
class Adaptive(ByWeight):
    """Masked language modelling by difficulty."""

    score: Literal["hard", "soft"] = "hard"
    """What makes a type difficult: low accuracy (hard), or a high mean loss (soft)."""
    law: Literal["budget", "published"] = "budget"
    """`budget`: every row meets the ratio exactly, the mean weight stays 1, and a type that was not masked keeps its
    weight; `published`: as the paper's program, token by token (docs/adaptive.md lists the differences)."""
    update_every: PositiveInt = 200
    """Steps between updates of the weights."""
    first_update: Annotated[int, Field(ge=0, le=MOST)] = 0
    """No update happens before this step."""
    momentum: Annotated[float, Field(ge=0, le=1)] = 0.2
    """λ, the fraction of the old weights that an update keeps."""
    floor: Annotated[float, Field(ge=0, lt=1)] = 0.0125
    """The minimum weight of a type, where 1 is the mean; the published 0.005 at a ratio of 0.40. With law=published, 1
    is the mean at the start, and the minimum stays there while the ratio falls."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.law == "published" and self.unit != "token":
            raise ValueError(f"unit={self.unit} with law=published, which masks token by token: take law=budget")

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
        self.vocabulary, self.rules = vocabulary, LAWS[settings.law]
        self.ratio_now = value(settings.ratio, 0.0)
        self.state: State = self.rules.begin(vocabulary, self.ratio_now)

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The weight of each token's type."""
        return of_types(self.state["weight"], rows.tokens)

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        self.ratio_now = value(self.ratio, rows.progress)
        if self.law == "budget":
            return super().select(rows, noise)
        return published.select(self.weigh(rows, noise), rows, noise, self.ratio_now, self.at_least_one)

    def for_validation(self) -> "LiveAdaptive":
        """The same with its initial, uniform weights."""
        return LiveAdaptive(self.settings, self.vocabulary)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Count losses and correct predictions of the masked tokens by type."""
        counted = self.rules.counted(problem, self.score, self.vocabulary.mask)
        tally(self.state, problem, counted, loss, correct, whole=self.unit != "token")

    def end_step(self) -> None:
        """Update the weights when an update is due."""
        steps = int(self.state["steps"].add_(1))
        if self.rules.due(steps, self.update_every, self.first_update):
            first = value(self.ratio, 0.0)
            self.rules.update(self.state, self.score, self.momentum, self.floor, self.ratio_now, first)

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
