"""The exams that compare objectives with each other: every model takes those that its objective has the skill for."""

from ..objective import Objective
from ..objectives.causal import Causal
from ..objectives.mlm import Mlm
from ..objectives.mntp import Mntp

MASKED = Mlm(ratio=0.15, random=0.0, keep=0.0)
"""15 % of the tokens behind [MASK], and nothing else."""

EXAMS: dict[str, tuple[str, Objective]] = {
    "unmask": ("masked", MASKED),
    "unmask_before": ("masked", Mntp(masking=MASKED)),
    "forward": ("forward", Causal()),
    "backward": ("backward", Causal(direction="backward")),
}
"""Skill to the name of the exam and its questions."""


def exams(objective: Objective) -> dict[str, Objective]:
    """The common exams for a model that was trained by `objective`, by name."""
    return dict(EXAMS[skill] for skill in sorted(objective.skills))
