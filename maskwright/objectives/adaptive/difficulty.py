"""How hard each token type is (AMLM; Edman and Fraser 2025, arXiv 2510.20475), by what is counted at masked tokens.

Shapes: V types, N counted tokens, K types that are scored.
"""

from math import log

import torch
from torch import Tensor

from ..base.problem import Problem

State = dict[str, Tensor]


def empty(size: int) -> State:
    """The state of `size` types before anything was counted, without weights, of which 1 is the mean."""
    counts = {name: torch.zeros(size, dtype=torch.int64) for name in ("asked", "right", "judged")}
    return counts | {
        "loss": torch.zeros(size),
        "score": torch.full((size,), torch.nan),  # difficulty at the last update that counted the type, in [0, 1]
        "steps": torch.zeros((), dtype=torch.int64),
        "updates": torch.zeros((), dtype=torch.int64),
    }


def tally(state: State, problem: Problem, counted: Tensor, loss: Tensor, correct: Tensor, whole: bool) -> None:
    """Count the predictions at `counted`, [P, L] bool, by type. loss, correct: [P, L] as in `observe`.

    whole: a token is counted with the result of its unit (word, span): correct when all of the unit is, with the mean
    loss.
    """
    types, losses, rights = problem.targets[counted], loss[counted], correct[counted].long()  # [N]
    if whole:
        units = torch.nonzero(counted)[:, 0] * (problem.span_id.shape[1] + 1) + problem.span_id[counted]
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


def end_update(state: State, seen: Tensor, score: Tensor) -> None:
    """Keep the scores [K] of the types `seen` [K], and begin to count anew."""
    state["score"][seen] = score.float()
    state["judged"] += state["asked"]
    for name in ("asked", "right", "loss"):
        state[name].zero_()
    state["updates"] += 1
