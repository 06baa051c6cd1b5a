"""Trained models that a run learns from: their scores at the asked positions become part of its loss.

They are frozen, compute in the run's own precision, and are no part of its checkpoints. They are not compiled, and so
take dense masks, whatever the model could take.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..objectives.base.objective import Objective, Teaching
from ..prediction import Ensemble, Lesson, LossFn, logits
from ..run.build import Data
from ..run.load import LoadedRun, load


def taught(loss_fn: LossFn, objective: Objective, data: Data, device: torch.device) -> LossFn:
    """`loss_fn` with what the teachers of `objective` say as its last argument; itself where there are none.

    Raises ValueError, in one sentence, for a teacher that cannot be one.
    """
    if (teaching := objective.teaching) is None:
        return loss_fn
    if any(part.teaching for part in objective.sub_objectives.values()):
        raise ValueError("objective distill is inside another, whose rows would all be taught: let it hold the other")
    model = together(teachers(teaching, objective, data, device))

    def with_lesson(student: nn.Module, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        tokens, mask, positions, asked = inputs[:4]
        with torch.no_grad():
            scores = logits(model, model(tokens, mask, positions, asked))  # [N, V]
        return loss_fn(student, *inputs, Lesson(scores, teaching.share, teaching.temperature))

    return with_lesson


def together(runs: Sequence[LoadedRun]) -> nn.Module:
    """The model of a run; of several, all as one."""
    models = [run.model.requires_grad_(False) for run in runs]
    return models[0] if len(models) == 1 else Ensemble(models)


def teachers(teaching: Teaching, objective: Objective, data: Data, device: torch.device) -> list[LoadedRun]:
    """The teachers, opened. Raises ValueError when one has another tokenizer, has not learned what is asked, or takes
    shorter rows than the run's."""
    longest = max(stage.pack.length for stage in data.loader.stages)
    found = [load(folder, str(device)) for folder in teaching.teachers]
    for run in found:
        if run.tokenizer.fingerprint != data.shards.tokenizer.fingerprint:
            own, theirs = data.shards.vocabulary.size, run.tokenizer.vocabulary.size
            raise ValueError(
                f"objective.teacher={run.path} has another tokenizer ({theirs:,} tokens; the run has {own:,}): teach "
                "with a run of the same tokenizer, or train with tokenizer.file of it"
            )
        if run.objective and (missing := objective.capabilities - run.objective.capabilities):
            raise ValueError(
                f"objective.teacher={run.path} was not trained for what is asked ({', '.join(sorted(missing))}): "
                "teach with a run of this objective"
            )
        if int(run.model.max_length) < longest:  # type: ignore[arg-type]
            raise ValueError(
                f"objective.teacher={run.path} takes max_length={run.model.max_length}: rows have {longest} tokens"
            )
    return found
