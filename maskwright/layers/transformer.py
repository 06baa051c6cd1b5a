"""What all models have in common: sizes, the embedding, and logits from the tied embedding."""

from collections.abc import Sequence

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from ..settings import settings
from ..settings.bounds import Layers, Size
from .init import Gains
from .linear import linear
from .nhot import NHot, Parts, embed


@settings
class TransformerSettings:
    """Sizes of a transformer."""

    hidden: Size = 384
    """Width of the residual stream."""
    layers: Layers = 12
    """Number of transformer layers."""
    heads: Layers = 6
    """Attention heads; they share `hidden` evenly."""
    intermediate: Size = 1024
    """Inner width of the feed-forward layer."""
    max_length: Size = 512
    """Longest row that the model takes, in tokens."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Probability for embeddings, distances, attention weights and branch outputs."""
    nhot: NHot | None = None
    """N-hot embeddings: the substrings of a token are added to its input embedding; null for the embedding alone."""

    @model_validator(mode="after")
    def _check(self) -> "TransformerSettings":
        if self.hidden % self.heads:
            raise ValueError(f"heads={self.heads} must divide hidden={self.hidden}")
        return self


class Transformer(nn.Module):
    """A model; its `layers` are its blocks, in order; the first tensor that one takes or gives is that of the vectors.

    `forward(tokens, mask, positions, target_positions)` returns contextual vectors, [B, L, D].

    tokens: [B, L] int64, or vectors in their place, [B, L, D].
    mask: [B, 1, L, L] bool, True = may attend, or None for all; every query must see a key.
    Models with `takes_block_mask` also take a BlockMask, and those with `takes_cache` a KeyValueCache.
    positions: [B, L] int64, within the document, or None for 0 … L − 1. Ignored by models with relative
    positions only: within a document, distances are the same along the row.
    target_positions: [N] int64, indices into the flattened [B·L], or [B, n] int64, n of each row (N = B·n), or
    None for all. Only their vectors are returned, [N, D], and what follows the last attention is computed for them
    alone; with [B, n] some models compute only their queries, too.
    Raises ValueError when rows are longer than `max_length`; with `reads_positions`, only where none are given.
    """

    reads_positions = False
    """Whether position comes from `positions` alone, so that the tokens of a row may be in any order."""
    max_length: int
    embedding: nn.Embedding
    head: nn.Module
    decoder_bias: Tensor
    nhot: Parts | None
    soft_cap: float | None = None
    """What scores stay below, and above its negative."""

    def embed(self, tokens: Tensor, positions: Tensor | None = None) -> Tensor:
        """tokens [B, L] int64 → [B, L, D]; vectors in their place stay as they are.

        positions: those given to a model that reads them, which alone must be below `max_length`.
        Raises ValueError when rows without are longer than `max_length`.
        """
        if positions is None and tokens.shape[1] > self.max_length:
            raise ValueError(f"rows of {tokens.shape[1]} tokens do not fit model.max_length={self.max_length}")
        return embed(tokens, self.embedding, self.nhot)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every token of the vocabulary: [N, D] → [N, V]; the decoder is the embedding, with a bias."""
        scores = linear(self.head(hidden), self.embedding.weight, self.decoder_bias)
        return scores if self.soft_cap is None else self.soft_cap * (scores / self.soft_cap).tanh()

    @torch.no_grad()
    def reset(self, generator: torch.Generator) -> None:
        """Norms 1, biases 0 and initial n-hot embeddings; models draw their matrices first."""
        for module in self.modules():
            if isinstance(module, nn.LayerNorm | Gains):
                module.reset_parameters()
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
        if self.nhot is not None:
            self.nhot.initialise(generator)


def vectors(given: Tensor | Sequence[Tensor]) -> Tensor:
    """The vectors in what a block gives, [B, L, D]."""
    return given if isinstance(given, Tensor) else given[0]


def default_positions(tokens: Tensor) -> Tensor:
    """The positions 0 … L − 1 of rows `tokens` [B, L], as [1, L]."""
    return torch.arange(tokens.shape[1], device=tokens.device)[None]
