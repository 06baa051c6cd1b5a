"""Activation checkpointing: keep only each block's input and recompute the block in the backward pass.

Chen et al. 2016, "Training deep nets with sublinear memory cost" (arXiv 1604.06174), section 3. Losses and gradients
are bit-identical, dropout included, because the random state is restored for the recomputation.
"""

from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint


def checkpoint_activations(model: nn.Module) -> None:
    """Checkpoint every block of `model`. Call it before sharding, not after."""
    for block in model.layers:  # type: ignore[union-attr]
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
