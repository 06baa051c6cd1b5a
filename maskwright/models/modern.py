"""A pre-norm encoder with rotary positions and GEGLU, no biases: what a BERT looks like in 2025.

Warner et al. 2024, ModernBERT (arXiv 2412.13663), with global attention in every layer. Branches that end in a zero
matrix leave the residual stream alone at first, which trains sooner (Zhang et al. 2019, Fixup, arXiv 1901.09321).
"""

from typing import Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from ..attention import Mask
from ..layers.attend import NARROWEST, attend
from ..layers.geglu import Geglu
from ..layers.init import fresh, truncated_normal_
from ..layers.joint import Joint
from ..layers.learned_positions import LearnedPositions
from ..layers.linear import Linear, linear
from ..layers.nhot import NHot, embed
from ..layers.pick import in_rows, of_asked, pick
from ..layers.rotary import Rotary, turn
from ..settings import settings

PRESETS = {
    "tiny": {"hidden": 192, "layers": 4, "heads": 3, "intermediate": 512},
    "small": {"hidden": 384, "layers": 12, "heads": 6, "intermediate": 1024},
    "base": {"hidden": 768, "layers": 12, "heads": 12, "intermediate": 2048},
}

EPSILON = 1e-5


@settings
class Modern:
    """With `positions: rotary` it is a `transformers` ModernBERT; learned positions have no counterpart there."""

    hidden: PositiveInt = 384
    """Width of the residual stream."""
    layers: PositiveInt = 12
    """Number of transformer layers."""
    heads: PositiveInt = 6
    """Attention heads; they share `hidden` evenly."""
    intermediate: PositiveInt = 1024
    """Inner width of GEGLU; its first matrix is twice as wide."""
    max_length: PositiveInt = 512
    """Longest row that the model takes, in tokens."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Probability for the embeddings, the attention weights and outputs, and the inner vector of GEGLU."""
    positions: Literal["rotary", "learned"] = "rotary"
    """Where order comes from: rotary turns of queries and keys, or a learned vector a position."""
    theta: float = 10_000.0
    """Base of the rotary wavelengths."""
    parts: NHot | None = None
    """N-hot embeddings: the substrings of a token join its embedding, at the input; none for the embedding alone."""

    @model_validator(mode="after")
    def _check(self) -> "Modern":
        if self.hidden % (2 * self.heads):
            raise ValueError(f"heads={self.heads} must divide hidden={self.hidden} into heads of even width")
        return self

    def build(self, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
        """A model of `vocabulary_size` tokens on the CPU, float32, all of whose values come from `generator`."""
        return fresh(lambda: ModernModel(self, vocabulary_size), generator)


class ModernModel(nn.Module):
    """The module behind `Modern`; `layers` are its blocks, in order."""

    placed = True
    """Where a token stands is what `positions` say, in whatever order a row has them."""

    def __init__(self, knobs: Modern, vocabulary_size: int):
        super().__init__()
        self.max_length = knobs.max_length
        self.takes_block_mask = not knobs.dropout and knobs.hidden // knobs.heads >= NARROWEST
        self.embedding = nn.Embedding(vocabulary_size, knobs.hidden)
        learned, width = knobs.positions == "learned", knobs.hidden // knobs.heads
        self.positions = LearnedPositions(knobs.max_length, knobs.hidden) if learned else None
        self.rotary = None if learned else Rotary(knobs.max_length, width, knobs.theta)
        self.norm = _norm(knobs.hidden)
        self.dropout = nn.Dropout(knobs.dropout)
        self.layers = nn.ModuleList(_Block(knobs, first=layer == 0) for layer in range(knobs.layers))
        self.final_norm = _norm(knobs.hidden)
        self.head = nn.Sequential(Linear(knobs.hidden, knobs.hidden, bias=False), nn.GELU(), _norm(knobs.hidden))
        self.decoder_bias = nn.Parameter(torch.empty(vocabulary_size))
        self.parts = knobs.parts.build(vocabulary_size, knobs.hidden) if knobs.parts else None

    def forward(
        self,
        tokens: Tensor,
        mask: Mask = None,
        positions: Tensor | None = None,
        asked: Tensor | None = None,
    ) -> Tensor:
        """Contextual vectors, [B, L, D].

        tokens: [B, L] int64.  mask: [B, 1, L, L] bool, True = may attend, or None for all; every query must see a key.
        Blocks where the model is `takes_block_mask`.
        positions: [B, L] int64, within the document, or None for 0 … L − 1.
        asked: [N] int64, places in the flattened [B·L], or [B, n] int64, n places of each row (N = B·n), or None. Only
        their vectors are returned then, [N, D], and what follows the last attention is computed for them alone; with
        [B, n] their queries are, too.
        Raises ValueError when rows are longer than `max_length`.
        """
        if tokens.shape[1] > self.max_length:
            raise ValueError(f"rows of {tokens.shape[1]} tokens do not fit model.max_length={self.max_length}")
        if positions is None:
            positions = torch.arange(tokens.shape[1], device=tokens.device)[None]
        hidden = embed(tokens, self.embedding, self.parts)  # [B, L, D]
        if self.positions is not None:
            hidden = self.positions(hidden, positions)
        hidden = self.dropout(self.norm(hidden))
        turns = None if self.rotary is None else self.rotary(positions)  # [B or 1, L, 2, D / H]
        for layer in self.layers[:-1]:
            hidden = layer(hidden, mask, turns)
        return self.final_norm(self.layers[-1](hidden, mask, turns, asked))

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every token of the vocabulary: [N, D] → [N, V]; the decoder is the embedding, with a bias."""
        return linear(self.head(hidden), self.embedding.weight, self.decoder_bias)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Norms 1, biases and branch outputs 0, embeddings ± 0.02, matrices sqrt(2 / 5D) (Nguyen & Salazar 2019)."""
        matrix = (2 / (5 * self.embedding.embedding_dim)) ** 0.5
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                truncated_normal_(module.weight, 0.02 if isinstance(module, nn.Embedding) else matrix, generator)
            elif isinstance(module, nn.LayerNorm):
                module.reset_parameters()
            elif isinstance(module, Rotary):
                module.fill()
        for branch in self.modules():
            if isinstance(branch, _Attention | Geglu):
                branch.out.weight.zero_()
        self.decoder_bias.zero_()
        if self.parts is not None:
            self.parts.initialise(generator)


class _Block(nn.Module):
    """x += attention(norm(x)); x += feed_forward(norm(x)); the first block's input is normed already."""

    def __init__(self, knobs: Modern, first: bool):
        super().__init__()
        self.attention_norm = nn.Identity() if first else _norm(knobs.hidden)
        self.attention = _Attention(knobs)
        self.feed_forward_norm = _norm(knobs.hidden)
        between = nn.Dropout(knobs.dropout)
        self.feed_forward = Geglu(knobs.hidden, knobs.intermediate, between, gelu="none", gate=0)

    def forward(self, hidden: Tensor, mask: Mask, turns: Tensor | None, asked: Tensor | None = None) -> Tensor:
        hidden = pick(hidden, asked) + self.attention(self.attention_norm(hidden), mask, turns, asked)
        return hidden + self.feed_forward(self.feed_forward_norm(hidden))


class _Attention(nn.Module):
    def __init__(self, knobs: Modern):
        super().__init__()
        self.heads, self.dropout = knobs.heads, knobs.dropout
        self.query_key_value = Joint(knobs.hidden, knobs.hidden, 3, bias=False)
        self.out = Linear(knobs.hidden, knobs.hidden, bias=False)
        self.out_dropout = nn.Dropout(knobs.dropout)

    def forward(self, hidden: Tensor, mask: Mask, turns: Tensor | None, asked: Tensor | None) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        if asked is None or asked.ndim == 1:
            mixed = pick(attend(*self._everywhere(hidden, turns), mask, dropout), asked)
        else:
            mixed = attend(*self._asking(hidden, turns, asked), of_asked(mask, asked), dropout).flatten(0, 1)
        return self.out_dropout(self.out(mixed))

    def _everywhere(self, hidden: Tensor, turns: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each [B, H, L, D / H]."""
        joint = self.query_key_value(hidden).unflatten(-1, (3, self.heads, -1))  # [B, L, 3, H, D / H]
        query_key, values = joint.split([2, 1], dim=2)
        queries, keys = _turned(query_key, turns).transpose(1, 3).unbind(2)
        return queries, keys, values.transpose(1, 3)[:, :, 0]

    def _asking(self, hidden: Tensor, turns: Tensor | None, asked: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same with queries at `asked` [B, n] alone, [B, H, n, D / H]."""
        query, others = self.query_key_value.weight.tensor_split([hidden.shape[-1]])
        queries = linear(in_rows(hidden, asked), query).unflatten(-1, (self.heads, -1))  # [B, n, H, D / H]
        keys, values = linear(hidden, others).unflatten(-1, (2, self.heads, -1)).unbind(2)  # each [B, L, H, D / H]
        there = None if turns is None else in_rows(turns, asked)
        queries, keys = _turned(queries, there), _turned(keys, turns)
        return queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2)


def _turned(vectors: Tensor, turns: Tensor | None) -> Tensor:
    return vectors if turns is None else turn(vectors, turns)


def _norm(hidden: int) -> nn.LayerNorm:
    return nn.LayerNorm(hidden, eps=EPSILON, bias=False)
