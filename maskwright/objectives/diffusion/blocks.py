"""Block diffusion: a text is written block by block, and each block is diffused given those before it.

Arriola et al. 2025, "Block diffusion: interpolating between autoregressive and diffusion language models" (arXiv
2503.09573): in one pass, noisy blocks see themselves and the clean copies of the blocks before them (section 3.2).

Shapes: B rows, L positions, K blocks of a row.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ...attention import positions
from ...data.rows import Rows
from ...masking.select import IGNORE
from ...noise import Noise
from ..base.problem import Problem

GOLDEN = (5**0.5 - 1) / 2


def block_of(place: Tensor, size: int) -> Tensor:
    """The block of positions within a document, int64, from 0; `size` in each, and [CLS] besides in the first."""
    return (place - 1).clamp(min=0) // size


@dataclass(frozen=True)
class Blocks:
    """The blocks of rows of text; packed documents have their own."""

    rows: Rows
    of_document: Tensor
    """[B, L] int64, the block of each position within its document."""
    number: Tensor
    """[B, L] int64, the block of each position within its row, from 0."""

    @property
    def n(self) -> np.ndarray:
        """[B, L] int64, how many positions of each block of the row can be masked; 0 behind the last."""
        return self._count(self.rows.maskable).numpy()

    def quantiles(self, first: np.ndarray) -> np.ndarray:
        """[B, L] float64 in [0, 1), one for each block, evenly spread over a row; that of its first is `first` [B]."""
        return (first[:, None] + GOLDEN * np.arange(self.number.shape[1])) % 1.0

    def select(self, budget: np.ndarray, noise: Noise, stream: str) -> Tensor:
        """[B, L] bool, `budget` [B, L] of the maskable positions of each block, uniformly among all such choices."""
        maskable = self.rows.maskable
        u = torch.where(maskable, noise.uniform(stream, maskable.shape[1]).double(), 1.5)
        order = (2 * self.number + u).argsort(dim=1, stable=True)
        rank = torch.empty_like(order).scatter_(1, order, torch.arange(order.shape[1]).expand_as(order))
        begin = pad(self._count(torch.ones_like(maskable)).cumsum(1), (1, -1))
        return maskable & (rank - begin.gather(1, self.number) < self.spread(budget))

    def spread(self, per_block: np.ndarray) -> Tensor:
        """[B, L], what is given by block, at each position."""
        return torch.from_numpy(per_block).gather(1, self.number)

    def doubled(self, noisy: Problem) -> Problem:
        """A problem of the rows, whose blocks see themselves and a clean copy of all before them: 2 L positions."""
        rows, odd = self.rows, 2 * self.of_document + 1
        index = torch.arange(rows.tokens.shape[1]).expand_as(rows.tokens)
        return replace(
            noisy,
            inputs=torch.cat([noisy.inputs, rows.tokens], 1),
            targets=torch.cat([noisy.targets, torch.full_like(rows.tokens, IGNORE)], 1),
            weights=torch.cat([noisy.weights, torch.zeros_like(noisy.weights)], 1),
            span_id=torch.cat([noisy.span_id, torch.zeros_like(noisy.span_id)], 1),
            prefix_mask=torch.cat([noisy.prefix_mask, torch.zeros_like(noisy.prefix_mask)], 1),
            place=torch.cat([index, index], 1),
            block=torch.cat([odd - 1, odd], 1),
        )

    def _count(self, chosen: Tensor) -> Tensor:
        return torch.zeros_like(self.number).scatter_add_(1, self.number, chosen.long())


def blocks(rows: Rows, size: int) -> Blocks:
    """The blocks of `size` tokens of each document."""
    of_document = block_of(positions(rows.document), size)
    begins = torch.zeros_like(rows.maskable)
    for column in (rows.document, of_document):
        begins[:, 1:] |= column[:, 1:] != column[:, :-1]
    return Blocks(rows, of_document, begins.cumsum(1))
