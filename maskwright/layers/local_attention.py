"""Attention to a neighbourhood: a window of positions on each side (Beltagy et al. 2020, Longformer, section 3.1).

On a CPU a band of keys is scored for each block of queries, so the cost grows with the length and not with its square.

Shapes: B rows, L positions, H heads, W positions on each side, C queries in a block, n blocks.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, and_masks, create_block_mask

from ..attention import Mask
from .attend import attend
from .pick import in_rows

BLOCK = 128
"""Queries that share a band of keys."""


@dataclass(frozen=True)
class Window:
    """Which positions are near each other."""

    reach: int
    """Positions on each side, W."""
    positions: Tensor
    """[B or 1, L] int64, the place of each token in its document."""
    banded: bool
    """Whether neighbours in a document are neighbours in the row, so that a band of the row holds all that is near."""

    def near(self, queries: Tensor | None = None) -> Tensor:
        """[B or 1, 1, L, L] bool; or [B, 1, q, L] of the queries at [B, q] int64."""
        where = self.positions if queries is None else in_rows(self.positions, queries)
        return ((where[:, :, None] - self.positions[:, None, :]).abs() <= self.reach)[:, None]


def window(reach: int, positions: Tensor, mask: Mask) -> Window:
    """The window of rows with these `positions` [B or 1, L]: a band on a CPU, if that is much less than the row."""
    wide = positions.device.type == "cpu" and positions.shape[1] > 2 * reach + 2 * BLOCK
    banded = wide and (mask is None or isinstance(mask, Tensor)) and _is_band(reach, positions, mask)
    return Window(reach, positions, banded)


@torch._disable_dynamo  # torch.compiler.disable would import the compiler at once
def _is_band(reach: int, positions: Tensor, mask: Tensor | None) -> bool:
    """Whether what a mask [B, 1, L, L] shows is near by `positions` just where it is near in the row."""
    index = torch.arange(positions.shape[1])
    far = (index[:, None] - index).abs() > reach  # [L, L]
    odd = ((positions[:, :, None] - positions[:, None, :]).abs() <= reach) == far  # [B or 1, L, L]
    return not bool((odd if mask is None else odd & mask[:, 0]).any())


def local_blocks(mask: BlockMask, reach: int, positions: Tensor) -> BlockMask:
    """What a block mask of B rows shows within `reach` of the `positions` [B or 1, L]."""
    rows, length = mask.shape[0], mask.shape[-1]
    places = positions.expand(rows, -1)

    def near(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (places[row, query] - places[row, key]).abs() <= reach

    shown = and_masks(mask.mask_mod, near)
    return create_block_mask(shown, rows, None, length, length, device=positions.device)


def attend_locally(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | BlockMask | None, dropout: float, near: Window
) -> Tensor:
    """As `attend`, for queries, keys and values [B, H, L, width], within the window. Returns [B, L, H·width]."""
    if isinstance(mask, BlockMask):  # which is local already
        return attend(queries, keys, values, mask, dropout)
    if not near.banded:
        return attend(queries, keys, values, near.near() if mask is None else mask & near.near(), dropout)
    rows, _, length, _ = queries.shape
    reach, after = near.reach, -length % BLOCK
    blocks = F.pad(queries, (0, 0, 0, after)).unflatten(2, (-1, BLOCK))  # [B, H, n, C, width]
    count = blocks.shape[2]
    bands = [
        F.pad(one, (0, 0, reach, reach + after)).unfold(2, BLOCK + 2 * reach, BLOCK).transpose(-1, -2)
        for one in (keys, values)
    ]  # [B, H, n, C + 2W, width]
    folded = [one.transpose(1, 2).flatten(0, 1) for one in (blocks, *bands)]  # [B·n, H, …, width]
    shown = _band(mask, length, count, reach, after, queries.device).expand(rows, -1, -1, -1).flatten(0, 1)[:, None]
    mixed = attend(folded[0], folded[1], folded[2], shown, dropout)  # [B·n, C, H·width]
    return mixed.unflatten(0, (rows, count)).flatten(1, 2)[:, :length]


def _band(mask: Tensor | None, length: int, count: int, reach: int, after: int, device: torch.device) -> Tensor:
    """[B or 1, n, C, C + 2W] bool, the mask [B, 1, L, L] in a band; what is added to fill a block sees something."""
    query = torch.arange(count * BLOCK, device=device).view(count, BLOCK, 1)
    key = query[:, :1] - reach + torch.arange(BLOCK + 2 * reach, device=device)  # [n, 1, C + 2W]
    shown = ((query - key).abs() <= reach) & (key >= 0) & (key < length)  # [n, C, C + 2W]
    if mask is not None:
        wide = F.pad(mask[:, 0], (reach, reach + after, 0, after)).unflatten(1, (count, BLOCK))  # [B, n, C, n·C + 2W]
        bands = wide.unfold(3, BLOCK + 2 * reach, BLOCK).diagonal(dim1=1, dim2=3)  # [B, C, C + 2W, n]
        shown = shown & bands.movedim(-1, 1)
    else:
        shown = shown[None]
    return shown | (query >= length)
