"""What a model is asked: inputs, targets, weights and the view, made from rows of text by an objective."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from ...masking.select import IGNORE


@dataclass(frozen=True)
class Problem:
    """What the model sees and what it is asked: P rows, made from B rows of text."""

    inputs: Tensor
    """[P, L] int64, corrupted ids."""
    targets: Tensor
    """[P, L] int64, the token that a position must name, always from the original tokens; or IGNORE."""
    weights: Tensor
    """[P, L] float32, the weight of a position in the loss; 0 exactly where there is no target."""
    view: Tensor
    """[P] int64, BOTH, FORWARD or BACKWARD: who may see whom in a row."""
    source_row: Tensor = None  # type: ignore[assignment]
    """[P] int64, the place of the row of text that each is made from; by default the P rows are the B, in order."""
    source_objective: Tensor = None  # type: ignore[assignment]
    """[P] int64, which of several objectives asks a row, for the mixture of them that must know; by default 0."""
    span_id: Tensor = None  # type: ignore[assignment]
    """[P, L] int32, what an objective that learns is to hear again of a position: the number in its row of the unit (a
    word, a span) that it was chosen with, or what was hidden there; by default 0."""
    prefix_mask: Tensor = None  # type: ignore[assignment]
    """[P, L] bool, positions that all of their document see, whatever the view, as a prefix; by default none."""

    def __post_init__(self) -> None:
        if self.source_row is None:
            object.__setattr__(self, "source_row", torch.arange(len(self.inputs)))
        if self.source_objective is None:
            object.__setattr__(self, "source_objective", torch.zeros(len(self.inputs), dtype=torch.int64))
        if self.span_id is None:
            object.__setattr__(self, "span_id", torch.zeros(self.inputs.shape, dtype=torch.int32))
        if self.prefix_mask is None:
            object.__setattr__(self, "prefix_mask", torch.zeros(self.inputs.shape, dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, chosen: slice | Tensor) -> "Problem":
        """The problem's rows at `chosen`; they still know which rows of text they are made from."""
        return Problem(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def joined(cls, problems: Sequence["Problem"]) -> "Problem":
        """The rows of several problems as one, by the rows of text that they are made from."""
        columns = (torch.cat([getattr(problem, field.name) for problem in problems]) for field in fields(cls))
        whole = cls(*columns)
        return whole[whole.source_row.argsort(stable=True)]


def shifted(problem: Problem, document: Tensor, by: int) -> Problem:
    """The same questions, put to another position: what position i was asked, position i − `by` is.

    The one shift there is: 1 makes a position name what comes next, −1 what came before. A question that would leave
    its document is dropped. document: [B, L], as in Rows. Raises ValueError when rows are no longer than the shift.
    """
    length = problem.targets.shape[1]
    if abs(by) >= length:
        raise ValueError(f"shift={by} reaches beyond rows of {length}")
    here = document[problem.source_row]
    inside = (here == here.roll(-by, 1)) & (here >= 0)
    inside[:, length - by if by > 0 else 0 : length if by > 0 else -by] = False
    targets = torch.where(inside, problem.targets.roll(-by, 1), IGNORE)
    return replace(problem, targets=targets, weights=torch.where(targets != IGNORE, problem.weights.roll(-by, 1), 0.0))


TokenScorer = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A trained model, as far as an objective knows one: of inputs [B, L] int64, their document [B, L] int32 and the places
asked [N] int64 of [B · L], it gives the scores [N, V] float32 of the tokens hidden there."""
