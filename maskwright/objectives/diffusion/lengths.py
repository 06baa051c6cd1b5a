"""Texts of any length, and gaps of any length: rows are reshaped before they are noised.

Shapes: B rows, L positions.
"""

from dataclasses import replace

import torch
from torch import Tensor

from ...data.rows import Rows
from ...noise import Noise
from ...settings import settings
from ...settings.bounds import Size
from ...settings.schedule import Probability


@settings
class Gaps:
    """Rows with a gap that holds fewer tokens than it has room for."""

    share: Probability = 0.5
    """The share of the rows that have a gap, in which nothing else is masked."""
    slots: Size = 16
    """The most tokens that a gap has room for; each row draws the room, and how much of it is filled, uniformly."""


def cut(rows: Rows, noise: Noise, share: float) -> tuple[Rows, Tensor]:
    """Rows of which a share ends early, with [SEP], after a number of tokens drawn uniformly.

    Returns the rows, and [B, L] bool, what stands behind that end, which nothing may see.
    """
    n, u = rows.maskable.sum(1), noise.uniform("cut", 2).double()
    kept = 1 + (u[:, 1] * (n - 1)).long()
    short = (u[:, 0] < share) & (n > 1)
    number = rows.maskable.cumsum(1)
    behind = short[:, None] & (number > kept[:, None])
    end = behind & rows.maskable & (number == kept[:, None] + 1)
    tokens = rows.tokens.where(~end, rows.vocabulary.sep)
    return replace(rows, tokens=tokens, word=rows.word.where(~behind, 0)), behind & ~end


def with_gaps(rows: Rows, noise: Noise, gaps: Gaps) -> Rows:
    """Rows of which a share has a gap in its last document: some of its tokens, then [PAD] up to the room of the gap.

    What follows moves back, and what then does not fit is left out, but for a [SEP] at the end. Only the room can be
    masked.
    """
    vocabulary, place = rows.vocabulary, torch.arange(rows.tokens.shape[1])[None]
    used = (rows.document >= 0).sum(1, keepdim=True)  # [B, 1]
    inside = rows.maskable & (rows.document == rows.document.max(1, keepdim=True).values)
    first, n = inside.long().argmax(1, keepdim=True), inside.sum(1, keepdim=True)
    stop = (place * inside).max(1, keepdim=True).values + 1
    u = noise.uniform("gap", 4).double().T[..., None]  # [4, B, 1]
    room = 1 + (u[1] * gaps.slots).long()
    filled = torch.minimum((u[2] * (room + 1)).long(), stop - first)
    start = first + (u[3] * (stop - first - filled.clamp(min=1) + 1)).long()
    closed = rows.tokens.gather(1, (used - 1).clamp(min=0)) == vocabulary.sep
    room = torch.minimum(room, used - closed.long() - start)
    pads, end = room - filled, start + room
    came = torch.where(place < end, place, place - pads).where((place < used - closed.long()), place)
    is_pad = (place >= start + filled) & (place < end)
    tokens = rows.tokens.gather(1, came.clamp(min=0)).where(~is_pad, vocabulary.pad)
    special = torch.from_numpy(vocabulary.is_special)[tokens] & ~is_pad
    word = torch.where((place >= start) & (place < end) & ~special, place + 1, 0).int()
    has = (u[0] < gaps.share) & (n > 0)
    return replace(rows, tokens=tokens.where(has, rows.tokens), word=word.where(has, rows.word))
