"""Activation checkpointing: a block keeps its input alone and is computed again when its gradient is due.

Chen et al. 2016, "Training deep nets with sublinear memory cost" (arXiv 1604.06174), section 3. Losses and gradients
are bit for bit the same, dropout included, for what is drawn the first time is drawn again.
"""

from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint


def checkpoint_activations(model: nn.Module) -> None:
    """Let every block of `model` do so. Shard it after this, not before."""
    for block in model.layers:  # type: ignore[union-attr]
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
