"""Learn to answer: of a prompt and its answer, as the corpus `pairs` gives them, the answer alone is asked for.

A document is [CLS] prompt [SEP] answer [SEP]; what stands before the inner [SEP] is read and never predicted. A
document without an inner [SEP] is asked for whole.

Shapes: B rows, P rows of a problem, L positions.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from ..attention import positions
from ..data.rows import Rows
from ..masking.select import IGNORE
from ..noise import Noise
from ..settings import settings
from .base.objective import Objective, objective_field
from .base.problem import Problem


@settings
class Answers(Objective):
    """Fine-tuning on answers: the loss of another objective, on what follows a prompt alone."""

    task: Annotated[Objective, objective_field("causal")] = Field({}, validate_default=True)
    """How answers are learned: `causal`, `diffusion`, or any other."""

    @property
    def capabilities(self) -> frozenset[str]:
        return self.task.capabilities

    @property
    def leak_exemption(self) -> str:
        return self.task.leak_exemption

    @property
    def learns(self) -> bool:
        return self.task.learns

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        self.task.observe(problem, loss, correct)

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        asked, answer = _asked(rows)
        return _only(self.task.corrupt(asked, noise), answer)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        asked, answer = _asked(rows)
        return (_only(problem, answer) for problem in self.task.scoring(asked))


def _asked(rows: Rows) -> tuple[Rows, Tensor]:
    """The rows with only answers, and [PAD]s in them, to be masked; and [B, L] bool, where an answer or its end is."""
    known, place = rows.vocabulary, torch.arange(rows.tokens.shape[1])
    follows = torch.zeros_like(rows.maskable)
    follows[:, :-1] = rows.document[:, 1:] == rows.document[:, :-1]
    between = (rows.tokens == known.sep) & follows & (rows.document >= 0)  # the [SEP] behind a prompt
    first = place - positions(rows.document)  # where the document of each position begins
    before = between.cumsum(1) - between.long()
    seen = before - before.gather(1, first) > 0
    has = torch.zeros_like(before).scatter_add_(1, first, between.long()).gather(1, first) > 0
    answer = (seen | ~has) & (rows.document >= 0)
    pads = seen & (rows.tokens == known.pad) & (rows.document >= 0)
    word = torch.where(pads, place.int() + 1, rows.word) * answer
    return replace(rows, word=word.int()), answer


def _only(problem: Problem, answer: Tensor) -> Problem:
    """The problem without targets of prompts; answer: [B, L] bool."""
    token = (problem.place + problem.shift[:, None]).clamp(max=answer.shape[1] - 1)
    mine = answer[problem.source_row].gather(1, token)
    weights = torch.where(mine, problem.weights, 0.0)
    return replace(problem, targets=torch.where(mine, problem.targets, IGNORE), weights=weights)
