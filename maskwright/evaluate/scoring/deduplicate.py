"""Questions that are the same are asked once: what a model says depends on what it sees, from where, and nothing else.

Two sentences of a minimal pair share all that comes before their first difference under a causal view; hiding the only
token in which they differ makes them one row.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from torch import Tensor

from ...attention import BACKWARD, BOTH
from ...noise import absorb
from ...objectives.base.objective import IGNORE
from ...objectives.base.problem import Problem


@njit(cache=True, nogil=True)
def _sights(inputs: np.ndarray, view: np.ndarray, out: np.ndarray) -> None:
    rows, length = inputs.shape
    for p in range(rows):
        state = np.uint64(view[p])
        for step in range(length):
            i = length - 1 - step if view[p] == BACKWARD else step
            state = absorb(state, np.uint64(inputs[p, i]))
            out[p, i] = state
        if view[p] == BOTH:
            for i in range(length):
                out[p, i] = absorb(state, np.uint64(i))


def sights(problem: Problem) -> np.ndarray:
    """[P, L] uint64, a hash of what each position sees in a row that is one document, and of where it stands."""
    out = np.empty(problem.inputs.shape, np.uint64)
    _sights(problem.inputs.numpy(), problem.view.numpy(), out)
    return out


@dataclass(frozen=True)
class Shared:
    """N questions as the U different sights that they need."""

    rows: Tensor
    """[R] int64, the rows of the problem that a model must read."""
    asked: Tensor
    """[U] int64, places in the flattened [R * L], ascending, each with another sight."""
    sight: Tensor
    """[N] int64, which of them a question is about."""
    target: Tensor
    """[N] int64."""
    weight: Tensor
    """[N] float32."""
    row: Tensor
    """[N] int64, the row of text that a question belongs to."""


def share(problem: Problem) -> Shared:
    """The questions of a problem, each sight once; one that shows a prefix to all of a text is none of these."""
    assert not problem.prefix_mask.any()
    p, i = torch.nonzero(problem.targets != IGNORE, as_tuple=True)  # [N] each
    _, first, inverse = np.unique(sights(problem)[p.numpy(), i.numpy()], return_index=True, return_inverse=True)
    order = first.argsort()
    first, sight = first[order], torch.from_numpy(order.argsort()[inverse])
    rows, place = torch.unique(p[first], return_inverse=True)
    asked = place * problem.inputs.shape[1] + i[first]
    return Shared(rows, asked, sight, problem.targets[p, i], problem.weights[p, i], problem.source_row[p])
