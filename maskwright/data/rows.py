"""Clean text, as the loader yields it and objectives take it.

Shapes: B rows, L positions.
"""

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..text.tokenizers.vocabulary import Vocabulary

if TYPE_CHECKING:
    from .pack import Pack


@dataclass(frozen=True)
class Rows:
    """B rows of packed documents."""

    tokens: Tensor
    """[B, L] int64 ids."""
    document: Tensor
    """[B, L] int32, which document of its row a position belongs to (0, 1, ...); -1 for padding."""
    word: Tensor
    """[B, L] int32, which word of its row a position belongs to (1, 2, ...); 0 for what is never chosen: special ids
    and padding."""
    ids: Tensor
    """[B] int64, what each row is: the same for the same text under any batch, order or number of ranks."""
    epoch: Tensor
    """[B] int64, how often the rows were gone through before."""
    progress: float
    """The share of the run that is done, in [0, 1]."""
    vocabulary: Vocabulary
    source: "Pack | None" = None
    """Where the rows are from, for what borrows from other rows; none for text given by hand."""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def maskable(self) -> Tensor:
        """[B, L] bool, True where a token may be chosen."""
        return self.word > 0

    @property
    def words(self) -> int:
        """The words between blanks that they hold; of rows from a pack alone."""
        assert self.source is not None
        return int(self.source.words[self.ids.numpy() & 0xFFFFFFFF].sum())

    def __getitem__(self, chosen: slice | Tensor) -> "Rows":
        """The rows at `chosen`."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        parts: dict[str, Any] = {name: part[chosen] for name, part in columns.items() if isinstance(part, Tensor)}
        return replace(self, **parts)

    def repeat(self, times: int) -> "Rows":
        """Each row `times` times, copies side by side."""
        return self[torch.arange(len(self)).repeat_interleave(times)]
