"""Texts that grow: of what no longer changes, the keys and values are computed once.

Shapes: B rows, L positions, N queried positions, D dimensions.
"""

from functools import cached_property

import torch
from torch import Tensor, nn

from ..attention import KeyValueCache


def reach(seen: Tensor) -> Tensor:
    """[L] int64, the last position that each attends to.  seen: [L, L] bool, True where it (first) may."""
    return (seen * torch.arange(len(seen))).max(1).values


class GrowingTexts:
    """What a model has read of some texts, and their next positions."""

    def __init__(self, seen: Tensor):
        """seen: [L, L] bool, True where a position (first) may attend to another."""
        self.seen = seen
        self._cache: KeyValueCache | None = None

    @torch.no_grad()
    def hidden_at(
        self, model: nn.Module, tokens: Tensor, where: Tensor, shift: int, final: int, rows: Tensor
    ) -> Tensor:
        """[N, D] the vectors at `where`, [B, L] bool, or `shift` positions before.

        final: how many positions, from the first on, no longer change.  rows: [B] int64, which of the texts they are,
        in order; once more is final, a text that is not among them never is again.
        """
        device = next(model.parameters()).device
        row, place = torch.nonzero(where, as_tuple=True)
        place = place - shift
        width = int(self._reach[place].max()) + 1
        known = min(int((self._reach < final).long().cumprod(0).sum()), width)  # they see nothing that changes
        cache = self._cache or KeyValueCache(len(self.seen), rows)
        if known > cache.length:
            self._cache = cache = cache.of(rows)
        else:  # nothing to keep, so that only rows with a queried position are read
            some, row = row.unique(return_inverse=True)
            cache, tokens = cache.of(rows[some]), tokens[some]
        begin = min(cache.length, int(place.min()))
        cache.length, cache.mask = begin, self.seen[None, None, begin:width, :width].to(device)
        asked = row * (width - begin) + place - begin
        sent = tokens[:, begin:width], torch.arange(begin, width)[None], asked
        inputs, positions, asked = (part.to(device) for part in sent)
        hidden: Tensor = model(inputs, cache, positions, asked)  # [N, D]
        cache.length = max(known, begin)
        return hidden

    @cached_property
    def _reach(self) -> Tensor:
        return reach(self.seen)
