"""When to validate on the way, and on how much: by default for at most a tenth of the cost of the training.

A validation asks each token about once forward and some twice; training costs about three forward passes a token. So
validations are counted in tokens: those on the way read at most a tenth as many as training does. What they read
depends on the length of the run alone, not on objective or machine, so that curves of compared runs are of the same
questions.
"""

from dataclasses import dataclass
from math import ceil

from ...data.batch_size_schedule import batch_size_schedule
from ...data.pack import Pack
from ...run.config import Config

SHARE = 0.1
TIMES = 9
"""Validations on the way; with the last one ten."""
FEWEST = 8192
"""Tokens, or all there are: fewer say too little, so that a short run is rather validated fewer times."""


@dataclass(frozen=True)
class ValidationPlan:
    """The steps between validations, and which rows are read on the way: every `stride`-th."""

    every: int
    stride: int

    def passes(self, steps: int) -> float:
        """How many times a run of `steps` reads all rows, the last validation included, which is over all of them."""
        return 1 + (steps - 1) // self.every / self.stride


def validation_plan(config: Config, valid: Pack, steps: int) -> ValidationPlan:
    """The plan of a run. Where the settings say how often, each validation is over all rows."""
    if config.evaluation.every:
        return ValidationPlan(config.evaluation.every, 1)
    trained = steps * batch_size_schedule(config.training.batch_tokens)[-1][1]
    tokens, budget = len(valid) * valid.length, int(SHARE * trained)
    times = min(TIMES, budget // min(tokens, FEWEST))
    return ValidationPlan(ceil(steps / (times + 1)), max(1, ceil(tokens * times / max(budget, 1))))
