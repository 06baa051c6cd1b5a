"""The common exams, which compare models across objectives; a model takes those it has the capability for."""

from ...data.rows import Rows
from ...noise import Noise
from ...objectives.base.objective import Objective
from ...objectives.base.problem import Problem
from ...objectives.causal import Causal
from ...objectives.mlm import Mlm
from ...objectives.mntp import Mntp
from ...settings import settings

MASKED = Mlm(ratio=0.15, random_prob=0.0, keep_prob=0.0)
"""15 % of the tokens replaced by [MASK], none by random ones."""

EXAMS: dict[str, tuple[str, Objective]] = {
    "unmask": ("masked", MASKED),
    "mntp": ("masked", Mntp(masking=MASKED)),
    "forward": ("forward", Causal()),
    "backward": ("backward", Causal(direction="backward")),
}
"""Capability to the exam's name and problems."""


@settings
class SharedTask(Objective):
    """A common exam in the input format that a model was trained on, such as with [FW] in place of [CLS]."""

    task: Objective
    """What is predicted."""
    trained_by: Objective
    """The objective that the model was trained with."""

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        return self.trained_by.prepare_inputs(self.task.corrupt(rows, noise), rows)


def exams(objective: Objective) -> dict[str, SharedTask]:
    """The common exams for a model that was trained with `objective`, by name."""
    common = (EXAMS[capability] for capability in sorted(objective.capabilities & EXAMS.keys()))
    return {name: SharedTask(task=exam, trained_by=objective) for name, exam in common}
