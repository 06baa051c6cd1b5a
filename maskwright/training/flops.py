"""The floating-point operations of an update, counted on a twin of the model that has shapes but no numbers.

What is counted are the matrix products that are computed: those of every parameter with every position it meets (the
head and what follows the last attention meet the asked positions alone), and of queries with keys and weights with
values, whole squares whatever a mask hides. Backward counts twice forward (Chowdhery et al. 2022, PaLM, appendix B;
Hoffmann et al. 2022, arXiv 2203.15556, appendix F). Not counted: what is computed again for the sake of memory,
look-ups (embeddings, n-hot parts), the optimizer; a body that is frozen counts as one that learns.
"""

import copy
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..prediction import problem_loss


class Flops:
    """Counts for one model. They are linear in rows and questions, so three of them tell all of a length."""

    def __init__(self, model: nn.Module):
        self.twin = _twin(model)
        self.known: dict[int, tuple[int, int, int]] = {}

    def of(self, rows: int, length: int, asked: int) -> int:
        """Forward and backward of `rows` rows of `length` positions, of which `asked` are asked."""
        if length not in self.known:
            one, row, question = (self._forward(*shape) for shape in ((1, length, 1), (2, length, 1), (1, length, 2)))
            self.known[length] = one, row - one, question - one
        one, row, question = self.known[length]
        return 3 * (one + (rows - 1) * row + (asked - 1) * question)

    @torch.no_grad()
    def _forward(self, rows: int, length: int, asked: int) -> int:
        inputs = torch.zeros(rows, length, dtype=torch.int64, device="meta")
        places = torch.zeros(asked, dtype=torch.int64, device="meta")
        with FlopCounterMode(display=False) as counter:
            problem_loss(self.twin, inputs, None, inputs, places, places)
        return counter.get_total_flops()


def _twin(model: nn.Module) -> nn.Module:
    """`model` with its tensors on the meta device, and without n-hot parts, whose shapes depend on the tokens."""
    ghosts: dict[int, object] = {id(p): nn.Parameter(p.detach().to("meta")) for p in model.parameters()}
    ghosts |= {id(buffer): buffer.to("meta") for buffer in model.buffers()}
    twin: Any = copy.deepcopy(model, ghosts).eval()
    twin.parts = None
    return twin
