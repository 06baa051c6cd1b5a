"""Weights whose mean stays 1, and masks whose budget is exact: the default law of adaptive masking.

Where the published one differs is listed in docs/adaptive.md.

Shapes: P rows of a problem, L positions, V types, K types that were counted since the last update.
"""

import torch
from torch import Tensor

from ...masking.select import IGNORE
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.problem import Problem
from .difficulty import SCORES, State, empty, end_update


def begin(vocabulary: Vocabulary, ratio: float) -> State:
    """The initial state: every type has weight 1, special ids 0."""
    return empty(vocabulary.size) | {"weight": torch.from_numpy(~vocabulary.is_special).float()}


def counted(problem: Problem, score: str, mask: int) -> Tensor:
    """[P, L] bool, the masked tokens that were not visible themselves."""
    # a kept token is visible: predicting it is copying, which says nothing about how hard the type is
    return (problem.targets != IGNORE) & (problem.inputs != problem.targets)


def due(step: int, every: int, first: int) -> bool:
    """Whether the weights are updated after this many steps."""
    return step % every == 0 and step >= first


def update(state: State, score: str, momentum: float, floor: float, ratio: float, first_ratio: float) -> None:
    """Move the weights of the counted types towards their difficulty, and reset the counts.

    w ← λ w + (1 − λ) · score. Scores are scaled to the mean of the weights that they replace, so that the mean over
    all types stays 1. A type that was not counted keeps its weight.
    """
    seen = torch.nonzero(state["asked"])[:, 0]  # [K]
    found = torch.zeros(0)
    if len(seen):
        asked, right, loss, old = (state[name][seen] for name in ("asked", "right", "loss", "weight"))
        found = SCORES[score](asked, right, loss, len(state["weight"])).float()
        mixed = momentum * old + (1 - momentum) * found * (old.sum() / found.sum())
        state["weight"][seen] = apply_floor(mixed, floor)
    end_update(state, seen, found)


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
