"""The law of adaptive masking as the paper's program computes it (Edman and Fraser 2025, arXiv 2510.20475).

Its weights are probabilities whose mean is the mask ratio; here they are kept in units of it, so that 1 is the mean.
Its counts stall in bfloat16 and it masks special tokens: neither is here.

Shapes: B rows, P rows of a problem, L positions, V types.
"""

import numpy as np
import torch
from torch import Tensor

from ...data.rows import Rows
from ...masking.select import IGNORE
from ...noise import Noise
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.problem import Problem
from .difficulty import SCORES, State, empty, end_update


def begin(vocabulary: Vocabulary, ratio: float) -> State:
    """The initial state: every type has weight 1, special ids too, and `ratio` is what the weights are in units of."""
    return empty(vocabulary.size) | {"weight": torch.ones(vocabulary.size), "ratio": torch.tensor(ratio).double()}


def counted(problem: Problem, score: str, mask: int) -> Tensor:
    """[P, L] bool: for `hard` all masked tokens, those too that were kept; for `soft` those behind a [MASK]."""
    chosen = problem.targets != IGNORE
    return chosen & (problem.inputs == mask) if score == "soft" else chosen


def due(step: int, every: int, first: int) -> bool:
    """Whether the weights are updated after this many steps: they are counted from 0, at which none is due."""
    return step > 1 and (step - 1) % every == 0 and step > first


def update(state: State, score: str, momentum: float, floor: float, ratio: float, first_ratio: float) -> None:
    """w ← λ w + (1 − λ) · ratio · score for all types, none below the floor, then scaled to the mean `ratio`.

    A type that was not counted has the score of one that is right half the time (`hard`), or of a uniform guess
    (`soft`, where every type has one such guess besides). The floor stays where it was at `first_ratio`.
    """
    size = len(state["weight"])
    asked, right, loss, old = (state[name].double() for name in ("asked", "right", "loss", "weight"))
    prior = float(score == "soft")
    found = SCORES[score](asked + prior, right, loss + prior * np.log(size), size)  # [V]
    mixed = momentum * old * state["ratio"] + (1 - momentum) * ratio * found
    raised = mixed.clamp(min=floor * first_ratio)
    state["weight"].copy_(raised * (size / raised.sum()))
    state["ratio"].fill_(ratio)
    seen = torch.nonzero(state["asked"])[:, 0]
    end_update(state, seen, found[seen])


def select(weight: Tensor, rows: Rows, noise: Noise, ratio: float, at_least_one: bool) -> Tensor:
    """[B, L] int32, positions drawn one by one, numbered: each with its share of the row's weight times ratio · n.

    A probability above 1 counts as 1, and what is above is lost. weight: [B, L] float32.
    """
    maskable = rows.maskable.numpy()
    share = weight.double().numpy() * maskable
    # summed in order, so that padding behind a row changes nothing
    total = np.maximum(share.cumsum(1)[:, -1:], 1e-300)
    chance = ratio * maskable.sum(1, keepdims=True) * share / total
    u = noise.uniform("select", share.shape[1]).double().numpy()
    chosen = u < chance
    if at_least_one:
        nearest = np.where(chance > 0, u / np.maximum(chance, 1e-300), np.inf)
        alone = ~chosen.any(1) & maskable.any(1)
        chosen[alone, nearest[alone].argmin(1)] = True
    return torch.from_numpy((chosen.cumsum(1) * chosen).astype(np.int32))
