"""Uncorrupted rows of text, from the loader to the objective.

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
    """[B, L] int32, the document within its row that each position belongs to (0, 1, ...); -1 for padding."""
    word: Tensor
    """[B, L] int32, the word within its row that each position belongs to (1, 2, ...); 0 where masking is not allowed:
    special tokens and padding."""
    ids: Tensor
    """[B] int64, permanent row identities: equal for the same text regardless of batch, order or ranks."""
    epoch: Tensor
    """[B] int64, number of earlier passes over each row."""
    progress: float
    """Part of the run that is done, in [0, 1]."""
    vocabulary: Vocabulary
    source: "Pack | None" = None
    """The pack that the rows come from, for objectives that borrow from other rows; None for text given by hand."""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def maskable(self) -> Tensor:
        """[B, L] bool, True where a token may be masked."""
        return self.word > 0

    @property
    def words(self) -> int:
        """Whitespace-separated words in these rows; only for rows from a pack."""
        assert self.source is not None
        return int(self.source.words[(self.ids.numpy() & 0xFFFFFFFF) - self.source.first].sum())

    def __getitem__(self, chosen: slice | Tensor) -> "Rows":
        """The rows selected by `chosen`."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        parts: dict[str, Any] = {name: part[chosen] for name, part in columns.items() if isinstance(part, Tensor)}
        return replace(self, **parts)

    def repeat(self, times: int) -> "Rows":
        """Each row `times` times, copies adjacent."""
        return self[torch.arange(len(self)).repeat_interleave(times)]
