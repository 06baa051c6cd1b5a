"""Distillation: the problems of another objective, answered with trained models as teachers beside the text.

Hinton et al. 2015, "Distilling the knowledge in a neural network" (arXiv 1503.02531); with a teacher of one's own size,
Furlanello et al. 2018, "Born-again neural networks" (arXiv 1805.04770). The loss of a target is
(1 − share) · cross-entropy + share · T² · KL(teacher ‖ model), both at temperature T. Teachers see what the model sees,
so that nothing leaks that the objective hides; several count as one with the mean of their probabilities. They are
opened for training alone: a finished run is evaluated, sampled and exported without them.
"""

import logging
from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ..data.rows import Rows
from ..noise import Noise
from ..settings import Names, settings
from ..settings.schedule import Probability
from ..text.shards.shards import Shards
from .base.dealt import Dealt
from .base.objective import Objective, OpenRun, Teaching, no_runs, objective_field
from .base.problem import Problem

logger = logging.getLogger("maskwright.objectives")


@settings
class Distill(Dealt):
    """An objective whose targets are, beside the tokens, what trained models say at the asked positions."""

    objective: Annotated[Objective, objective_field("mlm")] = Field({}, validate_default=True)
    """What is asked: any objective, and one that the teachers were trained for."""
    teacher: Names = ()
    """The runs, or folders of `transformers`, to learn from, with the tokenizer of the text; of several, the mean of
    their probabilities. Without one, this is its `objective`, and a warning says so."""
    share: Probability = 0.5
    """Weight of the teacher in the loss; 0 is the `objective` alone, 1 the teacher alone."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """What the scores of both are divided by before they are compared: above 1, what a teacher finds unlikely counts
    for more."""

    @property
    def capabilities(self) -> frozenset[str]:
        return self.objective.capabilities

    @property
    def leak_exemption(self) -> str:
        return self.objective.leak_exemption

    @property
    def prompt_from_both_sides(self) -> bool:  # type: ignore[override]  # a constant of the class elsewhere
        return self.objective.prompt_from_both_sides

    @property
    def teaching(self) -> Teaching | None:
        return Teaching(self.teacher, self.share, self.temperature) if self.teacher and self.share else None

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with a live objective inside."""
        if not self.teacher:
            logger.warning("objective distill has no teacher, so only its own objective is trained: set teacher=RUN")
        return super().build(shards, seed, open_run)

    def deal(self, rows: Rows, noise: Noise) -> Tensor:
        return torch.zeros_like(rows.ids)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        return self.objective.scoring(rows)

    def for_validation(self) -> Objective:
        """The exam of the objective alone, so that taught and untaught models compare."""
        return self.objective.for_validation()
