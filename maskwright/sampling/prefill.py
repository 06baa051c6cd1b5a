"""A canvas in the form that a causal model, or one of blocks, was trained on.

Shapes: B rows, L positions.
"""

from dataclasses import replace

import torch
from torch import Tensor

from ..attention import mask
from ..data.rows import Rows
from ..noise import Noise
from ..objectives.base.objective import Objective
from ..objectives.causal import Causal
from ..objectives.diffusion.blocks import block_of
from ..text.tokenizers.vocabulary import Vocabulary
from .canvas import Canvas


def prefill(canvas: Canvas, objective: Objective, vocabulary: Vocabulary) -> tuple[Canvas, Tensor]:
    """The canvas and its attention mask, [L, L] bool, for a model that was trained with `objective`.

    What is to be written is asked for as in the causal exam, dressed by the objective: with [FW] before it, where that
    is its habit. Raises ValueError when there is text behind a gap.
    """
    free, nought = canvas.free, torch.zeros(len(canvas.tokens), dtype=torch.int64)
    if (free[:, :-2] & ~free[:, 1:-1]).any():
        raise ValueError(
            "there is text after a [MASK], which generation from left to right never sees: put [MASK] at the end"
        )
    rows = Rows(canvas.tokens, torch.zeros_like(free, dtype=torch.int32), free.int(), nought, nought, 1.0, vocabulary)
    problem = objective.prepare_inputs(Causal().corrupt(rows, Noise(0, nought, nought)), rows)
    prompt = (free.cumsum(1) == 0) & objective.prompt_from_both_sides
    seen = mask(rows.document, problem.view, prompt)
    assert seen is not None
    return replace(canvas, tokens=problem.inputs), seen[0, 0]


def in_blocks(length: int, size: int) -> tuple[Tensor, Tensor]:
    """The block of each position, [L] int64, for a model that reads blocks of `size`, and its mask, [L, L] bool."""
    block = block_of(torch.arange(length), size)
    return block, block[:, None] >= block
