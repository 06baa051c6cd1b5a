"""The floating-point operations of an update, counted on a copy of the model on the meta device.

Counted are matrix products: each parameter with every position that it processes (the head, and whatever follows the
last attention, process only target positions), queries with keys, and attention weights with values, as full squares
regardless of the mask. Backward counts twice forward (Chowdhery et al. 2022, PaLM, appendix B; Hoffmann et al. 2022,
arXiv 2203.15556, appendix F). Not counted: recomputation by activation checkpointing, table look-ups (embeddings, n-hot
parts) and the optimizer. A frozen body counts as if it were trained, and [MASK] that enter late as if they did not.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..prediction import problem_loss


class Flops:
    """Counts for one model. They are linear in rows and targets, so three measurements per row length are enough."""

    def __init__(self, model: nn.Module):
        self.twin = _twin(model)
        self.per_length: dict[int, tuple[int, int, int]] = {}

    def of(self, rows: int, length: int, targets: int) -> int:
        """Operations of forward and backward for `rows` rows of `length` positions with `targets` target positions."""
        if length not in self.per_length:
            one, row, question = (self._forward(*shape) for shape in ((1, length, 1), (2, length, 1), (1, length, 2)))
            self.per_length[length] = one, row - one, question - one
        one, row, question = self.per_length[length]
        return 3 * (one + (rows - 1) * row + (targets - 1) * question)

    @torch.no_grad()
    def _forward(self, rows: int, length: int, targets: int) -> int:
        inputs = torch.zeros(rows, length, dtype=torch.int64, device="meta")
        places = torch.zeros(targets, dtype=torch.int64, device="meta")
        with FlopCounterMode(display=False) as counter, _without_autocast():
            problem_loss(self.twin, inputs, None, inputs, places, places)
        return counter.get_total_flops()


@contextmanager
def _without_autocast() -> Iterator[None]:
    """Rotary positions of `transformers` before 5 turn autocast off, of which old PyTorch has none on this device."""
    known = torch.autocast
    torch.autocast = lambda *_, **__: nullcontext()  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        torch.autocast = known  # type: ignore[misc]


def _twin(model: nn.Module) -> nn.Module:
    """`model` with tensors on the meta device and without n-hot parts, whose shapes depend on the tokens."""
    ghosts: dict[int, object] = {id(p): nn.Parameter(p.detach().to("meta")) for p in model.parameters()}
    ghosts |= {id(buffer): buffer.to("meta") for buffer in model.buffers()}
    twin: Any = copy.deepcopy(model, ghosts).eval()
    twin.nhot = None
    return twin
