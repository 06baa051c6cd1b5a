"""DeBERTa-v2: a post-norm encoder that knows order only through distances, in two of the three terms of its scores.

He et al. 2021 (arXiv 2006.03654 and 2111.09543), with the switches of the published v3 models: logarithmic buckets,
one normed table of distances for all layers, projected by the matrices that project the tokens (`share_att_key`).
"""

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from ..layers.init import fresh, truncated_normal_
from ..layers.linear import Linear, linear
from ..layers.nhot import NHot, embed
from ..layers.pick import pick
from ..layers.skew import attend_skewed, distances
from ..settings import settings

PRESETS = {
    "tiny": {"hidden": 192, "layers": 4, "heads": 3, "intermediate": 768},
    "small": {"hidden": 384, "layers": 12, "heads": 6, "intermediate": 1536},
    "base": {"hidden": 768, "layers": 12, "heads": 12, "intermediate": 3072},
    "amlm": {"hidden": 384, "layers": 12, "heads": 12, "intermediate": 1280, "max_length": 1024, "farthest": 1024},
}
"""`amlm` is the shape of Edman and Fraser 2025 (arXiv 2510.20475): a narrow v3-base with its depth and heads."""

EPSILON = 1e-7
STD = 0.02
"""Deviation of every matrix and table at the start."""


@settings
class Deberta:
    """A `transformers` DebertaV2 without absolute positions and token types."""

    hidden: PositiveInt = 384
    """Width of the residual stream."""
    layers: PositiveInt = 12
    """Number of transformer layers."""
    heads: PositiveInt = 6
    """Attention heads; they share `hidden` evenly."""
    intermediate: PositiveInt = 1536
    """Inner width of the feed-forward."""
    max_length: PositiveInt = 512
    """Longest row that the model takes, in tokens."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Probability for embeddings, distances, attention weights and branch outputs."""
    buckets: int = 256
    """Distances in one direction fall into this many buckets; half of them are exact (`position_buckets`)."""
    farthest: int = 512
    """Distances of `farthest` − 1 and more share the last bucket (`max_relative_positions`)."""
    parts: NHot | None = None
    """N-hot embeddings: the substrings of a token join its embedding, at the input; none for the embedding alone."""

    @model_validator(mode="after")
    def _check(self) -> "Deberta":
        if self.hidden % self.heads:
            raise ValueError(f"heads={self.heads} must divide hidden={self.hidden}")
        if not 2 <= self.buckets // 2 < self.farthest - 1:
            raise ValueError(f"buckets={self.buckets} must be at least 4 and less than twice farthest={self.farthest}")
        if self.max_length > self.farthest:
            raise ValueError(f"farthest={self.farthest} must be at least max_length={self.max_length}")
        return self

    def build(self, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
        """A model of `vocabulary_size` tokens on the CPU, float32, all of whose values come from `generator`."""
        return fresh(lambda: DebertaModel(self, vocabulary_size), generator)


class DebertaModel(nn.Module):
    """The module behind `Deberta`; `layers` are its blocks, in order."""

    def __init__(self, knobs: Deberta, vocabulary_size: int):
        super().__init__()
        self.max_length = knobs.max_length
        self.near, self.far, self.count = knobs.buckets // 2, knobs.farthest, knobs.buckets
        self.embedding = nn.Embedding(vocabulary_size, knobs.hidden)
        self.norm = _norm(knobs)
        self.distances = nn.Embedding(2 * knobs.buckets, knobs.hidden)
        self.distances_norm = _norm(knobs)
        self.dropout = nn.Dropout(knobs.dropout)
        self.layers = nn.ModuleList(_Block(knobs) for _ in range(knobs.layers))
        self.head = nn.Sequential(Linear(knobs.hidden, knobs.hidden), nn.GELU(), _norm(knobs))
        self.decoder_bias = nn.Parameter(torch.empty(vocabulary_size))
        self.parts = knobs.parts.build(vocabulary_size, knobs.hidden) if knobs.parts else None

    def forward(
        self,
        tokens: Tensor,
        mask: Tensor | None = None,
        positions: Tensor | None = None,
        asked: Tensor | None = None,
    ) -> Tensor:
        """Contextual vectors, [B, L, D].

        tokens: [B, L] int64.  mask: [B, 1, L, L] bool, True = may attend, or None for all; every query must see a key.
        positions: ignored. Only distances count, and within a document those are the same along the row.
        asked: [N] int64, places in the flattened [B·L], or [B, n] int64, n places of each row (N = B·n), or None. Only
        their vectors are returned then, [N, D], and what follows the last attention is computed for them alone.
        Raises ValueError when rows are longer than `max_length`.
        """
        if tokens.shape[1] > self.max_length:
            raise ValueError(f"rows of {tokens.shape[1]} tokens do not fit model.max_length={self.max_length}")
        hidden = self.dropout(self.norm(embed(tokens, self.embedding, self.parts)))  # [B, L, D]
        table = self.distances_norm(self.distances.weight)  # [2K, D]
        buckets = distances(tokens.shape[1], self.near, self.far, self.count, tokens.device)  # [2L]
        for layer in self.layers[:-1]:
            hidden = layer(hidden, table, buckets, mask)
        return self.layers[-1](hidden, table, buckets, mask, asked)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every token of the vocabulary: [N, D] → [N, V]; the decoder is the embedding, with a bias."""
        return linear(self.head(hidden), self.embedding.weight, self.decoder_bias)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Matrices and tables ± 0.02, norms 1, biases 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                truncated_normal_(module.weight, STD, generator)
            if isinstance(module, nn.Linear):
                module.bias.zero_()
            elif isinstance(module, nn.LayerNorm):
                module.reset_parameters()
        self.decoder_bias.zero_()
        if self.parts is not None:
            self.parts.initialise(generator)


class _Block(nn.Module):
    """x = norm(x + attention(x)); x = norm(x + feed_forward(x))."""

    def __init__(self, knobs: Deberta):
        super().__init__()
        self.attention = _Attention(knobs)
        self.attention_norm = _norm(knobs)
        self.into = Linear(knobs.hidden, knobs.intermediate)
        self.out = Linear(knobs.intermediate, knobs.hidden)
        self.norm = _norm(knobs)
        self.dropout = nn.Dropout(knobs.dropout)

    def forward(
        self, hidden: Tensor, table: Tensor, buckets: Tensor, mask: Tensor | None, asked: Tensor | None = None
    ) -> Tensor:
        branch = self.dropout(self.attention(hidden, table, buckets, mask, asked))
        hidden = self.attention_norm(pick(hidden, asked) + branch)
        return self.norm(hidden + self.dropout(self.out(F.gelu(self.into(hidden)))))


class _Attention(nn.Module):
    """The matrices that make queries and keys of the tokens make those of the distances too."""

    def __init__(self, knobs: Deberta):
        super().__init__()
        self.heads, self.buckets = knobs.heads, knobs.buckets
        self.query, self.key, self.value, self.out = (Linear(knobs.hidden, knobs.hidden) for _ in range(4))
        self.dropout = nn.Dropout(knobs.dropout)

    def forward(
        self, hidden: Tensor, table: Tensor, buckets: Tensor, mask: Tensor | None, asked: Tensor | None
    ) -> Tensor:
        queries, keys, values = (self._split(part(hidden)) for part in (self.query, self.key, self.value))
        table = self.dropout(table)
        far_keys = self._split(self.key(table))[:, self.buckets + buckets]  # [H, 2L, D / H]
        far_queries = self._split(self.query(table))[:, self.buckets - buckets]
        dropout = self.dropout.p if self.training else 0.0
        mixed = attend_skewed(queries, keys, values, far_keys, far_queries, mask, dropout)  # [B, L, D]
        return self.out(pick(mixed, asked))

    def _split(self, vectors: Tensor) -> Tensor:
        """[…, L, D] → […, H, L, D / H]."""
        return vectors.unflatten(-1, (self.heads, -1)).transpose(-3, -2)


def _norm(knobs: Deberta) -> nn.LayerNorm:
    return nn.LayerNorm(knobs.hidden, eps=EPSILON)
