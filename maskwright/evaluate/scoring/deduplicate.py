"""Equal problems are computed once: a prediction depends only on the visible tokens and the position.

Under a causal view the sentences of a minimal pair share everything before their first difference; masking the only
token in which they differ makes them the same row.
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
def _context_hashes(inputs: np.ndarray, view: np.ndarray, out: np.ndarray) -> None:
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


def contexts(problem: Problem) -> np.ndarray:
    """[P, L] uint64, a hash of the tokens visible to each position (rows are single documents), and of the position."""
    out = np.empty(problem.inputs.shape, np.uint64)
    _context_hashes(problem.inputs.numpy(), problem.view.numpy(), out)
    return out


@dataclass(frozen=True)
class Shared:
    """N targets and the U distinct contexts that they need."""

    rows: Tensor
    """[R] int64, the rows of the problem that the model has to read."""
    asked: Tensor
    """[U] int64, positions in the flattened [R * L], ascending, one per context."""
    context: Tensor
    """[N] int64, the context of each target."""
    target: Tensor
    """[N] int64."""
    weight: Tensor
    """[N] float32."""
    row: Tensor
    """[N] int64, the row of text that each target belongs to."""
    place: Tensor
    """[N] int64, the position of the target's token in that row."""


def deduplicate(problem: Problem) -> Shared:
    """The targets of a problem, each context once. Prefix-LM problems are not supported: a prefix sees both ways."""
    assert not problem.prefix_mask.any()
    p, i = torch.nonzero(problem.targets != IGNORE, as_tuple=True)  # [N] each
    _, first, inverse = np.unique(contexts(problem)[p.numpy(), i.numpy()], return_index=True, return_inverse=True)
    order = first.argsort()
    first, context = first[order], torch.from_numpy(order.argsort()[inverse])
    rows, place = torch.unique(p[first], return_inverse=True)
    asked = place * problem.inputs.shape[1] + i[first]
    told = problem.targets[p, i], problem.weights[p, i], problem.source_row[p]
    return Shared(rows, asked, context, *told, i + problem.shift[p])
