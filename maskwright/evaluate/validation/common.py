"""The exams that compare objectives with each other: every model takes those that its objective has the skill for."""

from ...data.rows import Rows
from ...noise import Noise
from ...objectives.base.objective import Objective
from ...objectives.base.problem import Problem
from ...objectives.causal import Causal
from ...objectives.mlm import Mlm
from ...objectives.mntp import Mntp
from ...settings import settings

MASKED = Mlm(ratio=0.15, random=0.0, keep=0.0)
"""15 % of the tokens behind [MASK], and nothing else."""

EXAMS: dict[str, tuple[str, Objective]] = {
    "unmask": ("masked", MASKED),
    "unmask_before": ("masked", Mntp(masking=MASKED)),
    "forward": ("forward", Causal()),
    "backward": ("backward", Causal(direction="backward")),
}
"""Skill to the name of the exam and its questions."""


@settings
class Dressed(Objective):
    """A common exam for a model with habits."""

    exam_of: Objective
    """What is asked."""
    model_of: Objective
    """What the model was trained by."""

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        return self.model_of.dress(self.exam_of.corrupt(rows, noise), rows)


def exams(objective: Objective) -> dict[str, Dressed]:
    """The common exams for a model that was trained by `objective`, by name."""
    common = (EXAMS[skill] for skill in sorted(objective.skills))
    return {name: Dressed(exam_of=exam, model_of=objective) for name, exam in common}
