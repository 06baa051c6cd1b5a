"""Masked positions enter late: the first layers compute the tokens that are there, and nothing for those that are not.

Liao et al. 2022, "Mask More and Mask Later: Efficient Pre-training of Masked Language Models by Disentangling the
[MASK] Token" (arXiv 2211.04898). What enters is what the first layer would have read there.

Shapes: B rows, L positions, n of them in the first layers, D dimensions.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..init import Gains
from ..pick import in_rows

SIZES = 16
"""Rows are shortened by multiples of their length over this, so that compiled code sees few shapes."""


@dataclass(frozen=True)
class Early:
    """The positions of the first layers."""

    places: Tensor
    """[B, n] int64: those of all other tokens, in order, and then of some [MASK], where a row has more than another."""
    masked: Tensor
    """[B, L] bool, where [MASK] stands."""
    filled: bool
    """Whether there are any [MASK] among the places."""

    def narrow(self, vectors: Tensor) -> Tensor:
        """[B or 1, L, …] → [B, n, …]."""
        return in_rows(vectors, self.places)

    def widen(self, vectors: Tensor, entering: Tensor) -> Tensor:
        """The output of the first layers [B, n, D], and at [MASK] what is `entering` [B, L, D] → [B, L, D]."""
        wide = entering.to(vectors.dtype).scatter(1, self.places[..., None].expand_as(vectors), vectors)
        return torch.where(self.masked[..., None], entering, wide)

    def mask(self, mask: Tensor | None) -> Tensor | None:
        """The mask [B or 1, 1, L, L] of these positions, [B, 1, n, n], where nothing but itself attends to a [MASK]."""
        if mask is None and not self.filled:
            return None
        filling = in_rows(self.masked, self.places)  # [B, n]
        count = self.places.shape[1]
        seen = torch.ones_like(filling)[:, None, :].expand(-1, count, -1)
        if mask is not None:
            queries = in_rows(mask[:, 0], self.places)  # [B, n, L]
            seen = queries.gather(2, self.places[:, None].expand(-1, count, -1))  # [B, n, n]
        itself = torch.eye(count, dtype=torch.bool, device=filling.device)
        return (seen & ~filling[:, None] | itself)[:, None]


class LateMasks(Gains):
    """Finds the positions that wait. The id of [MASK] is saved with the weights; as long as it is −1, none waits."""

    token: Tensor

    def __init__(self, layers: int):
        super().__init__()
        self.layers = layers
        """How many layers [MASK] skips."""
        self.register_buffer("token", torch.empty(1, dtype=torch.int64))

    def reset_parameters(self) -> None:
        self.token.fill_(-1)

    def forward(self, tokens: Tensor) -> Early | None:
        """tokens: [B, L] int64; None where none is [MASK], and for vectors in their place."""
        if tokens.is_floating_point() or tokens.is_meta:
            return None
        masked = tokens == self.token
        count, filled = _most_others(masked)
        if count == 0:
            return None
        return Early(masked.byte().argsort(dim=1, stable=True)[:, :count], masked, filled)


@torch._disable_dynamo  # torch.compiler.disable would import the compiler at once
def _most_others(masked: Tensor) -> tuple[int, bool]:
    """How many places every row gets, and whether some have fewer other tokens; 0 where nothing is masked."""
    if not masked.any():
        return 0, False
    others, unit = (~masked).sum(1), max(1, masked.shape[1] // SIZES)
    count = -(-max(1, int(others.max())) // unit) * unit
    return count, int(others.min()) < count
