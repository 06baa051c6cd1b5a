"""How hard each type of token is, and the weights that follow from it (AMLM; Edman and Fraser 2025, arXiv 2510.20475).

What the published program does otherwise is listed in docs/adaptive.md.

Shapes: V types, N judged tokens, K types that were judged since the last update.
"""

from math import log

import torch
from torch import Tensor

from ...masking.select import IGNORE
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.problem import Problem

State = dict[str, Tensor]


def begin(vocabulary: Vocabulary) -> State:
    """Nothing is known yet: every type has weight 1, special ids 0."""
    size = vocabulary.size
    counts = {name: torch.zeros(size, dtype=torch.int64) for name in ("asked", "right", "judged")}
    return counts | {
        "weight": torch.from_numpy(~vocabulary.is_special).float(),  # 1 is the mean, at which the ratio is met
        "loss": torch.zeros(size),
        "score": torch.full((size,), torch.nan),  # difficulty when last judged, in [0, 1]
        "steps": torch.zeros((), dtype=torch.int64),
        "updates": torch.zeros((), dtype=torch.int64),
    }


def tally(state: State, problem: Problem, loss: Tensor, correct: Tensor, whole: bool) -> None:
    """Count how each type fared, where its token was not left to be seen. loss, correct: [P, L] as in `observe`.

    whole: a token fares as the whole unit (word, span) that it was hidden with: right when all of it is, at the mean
    loss.
    """
    hidden = (problem.targets != IGNORE) & (problem.inputs != problem.targets)  # [P, L]
    types, losses, rights = problem.targets[hidden], loss[hidden], correct[hidden].long()  # [N]
    if whole:
        places = torch.nonzero(hidden)[:, 0] * (problem.span_id.shape[1] + 1) + problem.span_id[hidden]
        losses, rights = _together(places, losses, rights)
    state["asked"].index_add_(0, types, torch.ones_like(types))
    state["right"].index_add_(0, types, rights)
    state["loss"].index_add_(0, types, losses)


def _together(places: Tensor, losses: Tensor, rights: Tensor) -> tuple[Tensor, Tensor]:
    """The mean loss and the rightness of the unit that each of N tokens belongs to; places: [N] int64, equal in one."""
    units, unit, size = places.unique(return_inverse=True, return_counts=True)
    total = torch.zeros(len(units)).index_add_(0, unit, losses)
    all_right = torch.zeros_like(units).index_add_(0, unit, rights) == size
    return (total / size)[unit], all_right[unit].long()


def hard(asked: Tensor, right: Tensor, loss: Tensor, size: int) -> Tensor:
    """[K] 1 − accuracy, smoothed by half a right and half a wrong answer."""
    return 1 - (right + 0.5) / (asked + 1)


def soft(asked: Tensor, right: Tensor, loss: Tensor, size: int) -> Tensor:
    """[K] mean loss over ln V, the loss of a blind guess; between the easiest at 0 and the hardest at 1."""
    mean = loss / asked / log(size)
    low, high = mean.min(), mean.max()
    return (mean - low) / (high - low) if high > low else torch.ones_like(mean)


SCORES = {"hard": hard, "soft": soft}


def update(state: State, score: str, momentum: float, floor: float) -> None:
    """Move the weights of the types that were judged towards their difficulty, and forget the counts.

    w ← λ w + (1 − λ) · score, with the scores scaled to the mean of the weights that they replace: so λ is what is kept
    of the old, and the mean over all types stays 1. A type that was not judged keeps its weight.
    """
    seen = torch.nonzero(state["asked"])[:, 0]  # [K]
    if len(seen):
        asked, right, loss, old = (state[name][seen] for name in ("asked", "right", "loss", "weight"))
        found = SCORES[score](asked, right, loss, len(state["weight"])).float()
        mixed = momentum * old + (1 - momentum) * found * (old.sum() / found.sum())
        state["weight"][seen] = apply_floor(mixed, floor)
        state["score"][seen] = found
        state["judged"] += state["asked"]
    for name in ("asked", "right", "loss"):
        state[name].zero_()
    state["updates"] += 1


def apply_floor(weight: Tensor, floor: float) -> Tensor:
    """[K] weights with the same sum and none below `floor`: the others give way in proportion.

    Raised one after the other until none is left; the sum must allow it.
    """
    low = torch.zeros_like(weight, dtype=torch.bool)
    while True:
        rest = (weight.sum() - floor * low.sum()) / weight[~low].sum()
        lower = low | (weight * rest < floor)
        if lower.all() or torch.equal(lower, low):
            return torch.where(lower, floor, weight * rest)
        low = lower
