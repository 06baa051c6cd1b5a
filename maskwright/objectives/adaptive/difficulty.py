"""How hard each token type is, and the mask weights that follow (AMLM; Edman and Fraser 2025, arXiv 2510.20475).

Where the published program differs is listed in docs/adaptive.md.

Shapes: V types, N counted tokens, K types that were counted since the last update.
"""

from math import log

import torch
from torch import Tensor

from ...masking.select import IGNORE
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.problem import Problem

State = dict[str, Tensor]


def begin(vocabulary: Vocabulary) -> State:
    """The initial state: every type has weight 1, special ids 0."""
    size = vocabulary.size
    counts = {name: torch.zeros(size, dtype=torch.int64) for name in ("asked", "right", "judged")}
    return counts | {
        "weight": torch.from_numpy(~vocabulary.is_special).float(),  # 1 is the mean, at which the ratio is met
        "loss": torch.zeros(size),
        "score": torch.full((size,), torch.nan),  # difficulty at the last update that counted the type, in [0, 1]
        "steps": torch.zeros((), dtype=torch.int64),
        "updates": torch.zeros((), dtype=torch.int64),
    }


def tally(state: State, problem: Problem, loss: Tensor, correct: Tensor, whole: bool) -> None:
    """Count predictions by type, where the token itself was not visible. loss, correct: [P, L] as in `observe`.

    whole: a token is counted with the result of its unit (word, span): correct when all of the unit is, with the mean
    loss.
    """
    # a kept token is visible: predicting it is copying, which says nothing about how hard the type is
    hidden = (problem.targets != IGNORE) & (problem.inputs != problem.targets)  # [P, L]
    types, losses, rights = problem.targets[hidden], loss[hidden], correct[hidden].long()  # [N]
    if whole:
        units = torch.nonzero(hidden)[:, 0] * (problem.span_id.shape[1] + 1) + problem.span_id[hidden]
        losses, rights = _by_unit(units, losses, rights)
    state["asked"].index_add_(0, types, torch.ones_like(types))
    state["right"].index_add_(0, types, rights)
    state["loss"].index_add_(0, types, losses)


def _by_unit(ids: Tensor, losses: Tensor, rights: Tensor) -> tuple[Tensor, Tensor]:
    """The mean loss, and whether all is right, of each of N tokens' unit; ids: [N] int64, equal within a unit."""
    units, unit, size = ids.unique(return_inverse=True, return_counts=True)
    total = torch.zeros(len(units)).index_add_(0, unit, losses)
    all_right = torch.zeros_like(units).index_add_(0, unit, rights) == size
    return (total / size)[unit], all_right[unit].long()


def hard(asked: Tensor, right: Tensor, loss: Tensor, size: int) -> Tensor:
    """[K] 1 − accuracy, smoothed by half a correct and half a wrong prediction: rare types do not reach 0 or 1."""
    return 1 - (right + 0.5) / (asked + 1)


def soft(asked: Tensor, right: Tensor, loss: Tensor, size: int) -> Tensor:
    """[K] mean loss over ln V, the loss of a uniform guess, rescaled from 0 (easiest type) to 1 (hardest)."""
    mean = loss / asked / log(size)
    low, high = mean.min(), mean.max()
    return (mean - low) / (high - low) if high > low else torch.ones_like(mean)


SCORES = {"hard": hard, "soft": soft}


def update(state: State, score: str, momentum: float, floor: float) -> None:
    """Move the weights of the counted types towards their difficulty, and reset the counts.

    w ← λ w + (1 − λ) · score. Scores are scaled to the mean of the weights that they replace, so that the mean over
    all types stays 1. A type that was not counted keeps its weight.
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
    """[K] weights with the same sum and none below `floor`: the others shrink in proportion.

    Shrinking can push further weights below the floor, so this repeats until none is; the sum must allow it.
    """
    low = torch.zeros_like(weight, dtype=torch.bool)
    while True:
        rest = (weight.sum() - floor * low.sum()) / weight[~low].sum()
        lower = low | (weight * rest < floor)
        if lower.all() or torch.equal(lower, low):
            return torch.where(lower, floor, weight * rest)
        low = lower
