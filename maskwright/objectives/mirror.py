"""Forward prediction and, with probability p_bw, backward prediction on the same tokens.

Both share one loss, in which every target has weight 1. The backward view is the upper triangle: a position's target
precedes it and is not visible.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from ..attention import BACKWARD, FORWARD
from ..data.rows import Rows
from ..noise import Noise
from ..settings import settings
from ..settings.schedule import Probability, Scheduled, value
from ..text.shards.shards import Shards
from .base.live import Stateful, unbuilt
from .base.objective import Objective, OpenRun, no_runs, objective_field
from .base.problem import Problem

MIN_P_BW = 0.01
"""The lower bound of an adapting p_bw."""


@settings
class Mirror(Objective):
    """Causal language modelling in both directions."""

    p_bw: Scheduled[Probability] | Literal["adapt"] = 0.05
    """The probability that a row is also read backward, or a schedule of it; `adapt` follows the ratio of backward to
    forward perplexity."""
    exclusive: bool = False
    """Whether a row that is read backward is then not read forward."""
    direction_tokens: bool = False
    """Whether [FW] replaces [CLS] in a row that is read forward, and [BW] replaces [SEP] in one read backward."""
    forward: Annotated[Objective, objective_field("causal")] = Field({}, validate_default=True)
    """The objective of a row that is read forward."""
    backward: Annotated[Objective, objective_field("causal")] = Field({"direction": "backward"}, validate_default=True)
    """The objective of a row that is read backward."""

    @property
    def capabilities(self) -> frozenset[str]:
        return self.forward.capabilities | self.backward.capabilities

    @property
    def learns(self) -> bool:
        return self.p_bw == "adapt"

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with live sub-objectives; for `p_bw=adapt` with a probability that starts at 1."""
        built = super().build(shards, seed, open_run)
        return LiveMirror(built) if self.p_bw == "adapt" else built

    def p_backward(self, progress: float) -> float:
        """p_bw when this share of the run is done."""
        if self.p_bw == "adapt":
            raise unbuilt(self)
        return value(self.p_bw, progress)

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        back = noise.uniform("backward", 1)[:, 0] < self.p_backward(rows.progress)  # [B]
        front = ~back if self.exclusive else torch.ones_like(back)
        ways = (self.forward, front), (self.backward, back)
        read = [objective.corrupt_some(rows, noise, chosen) for objective, chosen in ways]
        return self.prepare_inputs(Problem.joined(read), rows)

    def prepare_inputs(self, problem: Problem, rows: Rows) -> Problem:
        """With [FW] or [BW] where reading starts. Raises ValueError when the vocabulary has no such token."""
        if not self.direction_tokens:
            return problem
        inputs, text, vocabulary = problem.inputs, rows.tokens[problem.source_row], rows.vocabulary
        for view, replaced, token in ((FORWARD, "cls", "forward"), (BACKWARD, "sep", "backward")):
            here = (problem.view == view)[:, None] & (text == getattr(vocabulary, replaced))
            inputs = torch.where(here, vocabulary.id(token), inputs)
        return replace(problem, inputs=inputs)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """The forward one: the likelihood of a text."""
        return (self.prepare_inputs(problem, rows) for problem in self.forward.scoring(rows))

    def for_validation(self) -> Objective:
        """Where p_bw adapts, validation reads every row in both directions, so that checkpoints compare."""
        return replace(self, p_bw=1.0) if self.p_bw == "adapt" else super().for_validation()


class LiveMirror(Stateful, Mirror):
    """Both directions, with a p_bw that follows the ratio of perplexities."""

    def __init__(self, settings: Objective):
        super().__init__(settings)
        self.adapted = torch.ones(())

    def p_backward(self, progress: float) -> float:
        return float(self.adapted)

    def log(self) -> dict[str, Any]:
        return super().log() | {"p_bw": float(self.adapted)}

    def for_validation(self) -> Objective:
        return self.settings.for_validation()

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """p_bw = ppl_bw / ppl_fw of the last rows that were read backward, within [0.01, 1]."""
        mean = {
            view: (loss * problem.weights)[problem.view == view].sum() / problem.weights[problem.view == view].sum()
            for view in (FORWARD, BACKWARD)
        }
        if not (change := mean[BACKWARD] - mean[FORWARD]).isnan():
            self.adapted.copy_(change.exp().clamp(MIN_P_BW, 1.0))

    def state_dict(self) -> dict[str, Tensor]:
        return super().state_dict() | {"p_bw": self.adapted}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        super().load_state_dict(state)
        self.adapted.copy_(state["p_bw"])
