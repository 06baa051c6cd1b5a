"""What a model is trained or tested on: inputs, targets, weights and the view, made from rows by an objective."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ...loss import Noised
from ...masking.select import IGNORE


@dataclass(frozen=True)
class Problem:
    """What the model sees and must predict: P rows of M positions, made from B rows of L tokens; M is L unless
    positions are laid out otherwise, by `place`."""

    inputs: Tensor
    """[P, M] int64, corrupted ids."""
    targets: Tensor
    """[P, M] int64, the token to predict at a position, always from the original tokens; or IGNORE."""
    weights: Tensor
    """[P, M] float32, the weight of a position in the loss; 0 exactly where there is no target."""
    view: Tensor
    """[P] int64, BOTH, FORWARD or BACKWARD: which way a row attends."""
    source_row: Tensor = None  # type: ignore[assignment]
    """[P] int64, the index of the row of text that each is made from; by default the P rows are the B, in order."""
    source_objective: Tensor = None  # type: ignore[assignment]
    """[P] int64, which objective of a mixture made a row, so that it alone observes the losses; by default 0."""
    span_id: Tensor = None  # type: ignore[assignment]
    """[P, M] int32, what a learning objective needs to know again in `observe`: the number of the unit (word or span)
    that a position was chosen with, or the token that was hidden there; by default 0."""
    prefix_mask: Tensor = None  # type: ignore[assignment]
    """[P, M] bool, positions that the whole document attends to, whatever the view; by default none."""
    shift: Tensor = None  # type: ignore[assignment]
    """[P] int64, how many positions before its token a target stands: 1 where the next token is predicted; by default
    0."""
    place: Tensor = None  # type: ignore[assignment]
    """[P, M] int64, which position of its row of text each stands for: in any order, and as often as need be; by
    default 0 … L − 1."""
    block: Tensor = None  # type: ignore[assignment]
    """[P, M] int64, which positions see which, besides the view: all of its own number, and all of a smaller odd one;
    by default 0."""
    noise: Tensor = None  # type: ignore[assignment]
    """[P, 2] float32, where a token may have been replaced by a random one: the probability that it was left alone, and
    that of each ordinary token to be put there; by default 1 and 0. The loss is then `loss.noised_loss`."""

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
        if self.place is None:
            object.__setattr__(self, "place", torch.arange(self.inputs.shape[1]).expand_as(self.inputs))
        if self.block is None:
            object.__setattr__(self, "block", torch.zeros_like(self.inputs))
        if self.noise is None:
            object.__setattr__(self, "noise", torch.tensor([1.0, 0.0]).expand(len(self.inputs), 2))

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, chosen: slice | Tensor) -> "Problem":
        """The rows at `chosen`; `source_row` still refers to the same rows of text."""
        return Problem(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def joined(cls, problems: Sequence["Problem"]) -> "Problem":
        """The rows of several problems as one, sorted by the row of text that they are made from; of equal widths."""
        widest = max(problem.inputs.shape[1] for problem in problems)
        wide = [problem._padded(widest) for problem in problems]
        columns = (torch.cat([getattr(problem, field.name) for problem in wide]) for field in fields(cls))
        whole = cls(*columns)
        return whole[whole.source_row.argsort(stable=True)]

    def _padded(self, width: int) -> "Problem":
        """The same with positions that ask nothing and that no other sees, up to `width`."""
        more = width - self.inputs.shape[1]
        if not more:
            return self
        fill = {
            "inputs": 0,
            "targets": IGNORE,
            "weights": 0,
            "span_id": 0,
            "prefix_mask": False,
            "place": 0,
            "block": -2,
        }
        return replace(self, **{name: pad(getattr(self, name), (0, more), value=value) for name, value in fill.items()})

    def laid_out(self, of_text: Tensor) -> Tensor:
        """[P, M], of something that the positions of the text have, [B, L]: that of each position here."""
        return of_text[self.source_row].gather(1, self.place)

    def noised(self, asked: Tensor, special: np.ndarray) -> Noised | None:
        """The noise at positions `asked`, [N] int64 of the flattened [P · M]; None where no row has random tokens.

        special: [V] bool, as a `Vocabulary` has it.
        """
        if not self.noise[:, 1].any():
            return None
        clean, other = self.noise[asked // self.inputs.shape[1]].T
        return Noised(self.inputs.flatten()[asked], clean, other, torch.from_numpy(special))

    def sight(self, document: Tensor) -> dict[str, Tensor | None]:
        """What `attention.mask` and `attention.block_mask` take; document: [B, L], as in Rows."""
        return {
            "document": self.laid_out(document),
            "view": self.view,
            "prefix": self.prefix_mask if self.prefix_mask.any() else None,
            "block": self.block if self.block.any() else None,
        }


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
