"""What a model is trained or tested on: inputs, targets, weights and the view, made from rows by an objective."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from ...masking.select import IGNORE


@dataclass(frozen=True)
class Problem:
    """What the model sees and must predict: P rows, made from B rows of text."""

    inputs: Tensor
    """[P, L] int64, corrupted ids."""
    targets: Tensor
    """[P, L] int64, the token to predict at a position, always from the original tokens; or IGNORE."""
    weights: Tensor
    """[P, L] float32, the weight of a position in the loss; 0 exactly where there is no target."""
    view: Tensor
    """[P] int64, BOTH, FORWARD or BACKWARD: which way a row attends."""
    source_row: Tensor = None  # type: ignore[assignment]
    """[P] int64, the index of the row of text that each is made from; by default the P rows are the B, in order."""
    source_objective: Tensor = None  # type: ignore[assignment]
    """[P] int64, which objective of a mixture made a row, so that it alone observes the losses; by default 0."""
    span_id: Tensor = None  # type: ignore[assignment]
    """[P, L] int32, what a learning objective needs to know again in `observe`: the number of the unit (word or span)
    that a position was chosen with, or the token that was hidden there; by default 0."""
    prefix_mask: Tensor = None  # type: ignore[assignment]
    """[P, L] bool, positions that the whole document attends to, whatever the view; by default none."""
    shift: Tensor = None  # type: ignore[assignment]
    """[P] int64, how many positions before its token a target stands: 1 where the next token is predicted; by default
    0."""

    def __post_init__(self) -> None:
        if self.source_row is None:
            object.__setattr__(self, "source_row", torch.arange(len(self.inputs)))
        if self.source_objective is None:
            object.__setattr__(self, "source_objective", torch.zeros(len(self.inputs), dtype=torch.int64))
        if self.span_id is None:
            object.__setattr__(self, "span_id", torch.zeros(self.inputs.shape, dtype=torch.int32))
        if self.prefix_mask is None:
            object.__setattr__(self, "prefix_mask", torch.zeros(self.inputs.shape, dtype=torch.bool))
        if self.shift is None:
            object.__setattr__(self, "shift", torch.zeros(len(self.inputs), dtype=torch.int64))

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, chosen: slice | Tensor) -> "Problem":
        """The rows at `chosen`; `source_row` still refers to the same rows of text."""
        return Problem(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def joined(cls, problems: Sequence["Problem"]) -> "Problem":
        """The rows of several problems as one, sorted by the row of text that they are made from."""
        columns = (torch.cat([getattr(problem, field.name) for problem in problems]) for field in fields(cls))
        whole = cls(*columns)
        return whole[whole.source_row.argsort(stable=True)]


def shifted(problem: Problem, document: Tensor, by: int) -> Problem:
    """The same targets at other positions: that of position i moves to position i − `by`.

    The only place where targets are shifted: by 1 a position predicts the next token, by −1 the previous one. A target
    that would leave its document is dropped. document: [B, L], as in Rows. Raises ValueError when rows are not longer
    than the shift.
    """
    length = problem.targets.shape[1]
    if abs(by) >= length:
        raise ValueError(f"shift={by} reaches beyond rows of {length}")
    here = document[problem.source_row]
    inside = (here == here.roll(-by, 1)) & (here >= 0)
    inside[:, length - by if by > 0 else 0 : length if by > 0 else -by] = False
    targets = torch.where(inside, problem.targets.roll(-by, 1), IGNORE)
    weights = torch.where(targets != IGNORE, problem.weights.roll(-by, 1), 0.0)
    return replace(problem, targets=targets, weights=weights, shift=problem.shift + by)


TokenScorer = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A trained model as an objective uses it: from inputs [B, L] int64, document [B, L] int32 and target positions [N]
int64 (indices into B · L) to the logits [N, V] float32 of the tokens masked there."""
