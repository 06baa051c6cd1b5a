"""MiniGPT, the transformer of Aether: learned positions, norms after each branch, a narrow ReLU layer, untied output.

Blocks as in Vaswani et al. 2017 ("Attention is all you need", section 3.1), sizes and initialisation as in Aether's
`minigpt-linear`. What a row may see comes with the mask, so the same weights serve every view.
"""

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor, nn

from ..attention import Mask
from ..layers.attend import NARROWEST, attend
from ..layers.init import fresh
from ..layers.joint import Joint
from ..layers.learned_positions import LearnedPositions
from ..layers.linear import Linear, linear
from ..layers.nhot import NHot, embed
from ..layers.pick import in_rows, of_asked, pick
from ..settings import settings

PRESETS = {"base": {"hidden": 768, "layers": 12, "heads": 12, "intermediate": 768, "max_length": 1024}}

EPSILON = 1e-6


@settings
class Minigpt:
    """The sizes of Aether's `minigpt-linear` are the preset `minigpt-base`."""

    hidden: PositiveInt = 768
    """Width of the residual stream (`embed_dim`)."""
    layers: PositiveInt = 12
    """Number of transformer layers (`num_transformer_blocks`)."""
    heads: PositiveInt = 12
    """Attention heads; they share `hidden` evenly (`num_heads`)."""
    intermediate: PositiveInt = 768
    """Inner width of the feed-forward layer (`feed_forward_dim`)."""
    max_length: PositiveInt = 1024
    """Longest row that the model takes, in tokens (`maxlen`)."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Probability for what each branch adds."""
    parts: NHot | None = None
    """N-hot embeddings: the substrings of a token join its embedding, at the input; none for the embedding alone."""

    @model_validator(mode="after")
    def _check(self) -> "Minigpt":
        if self.hidden % self.heads:
            raise ValueError(f"heads={self.heads} must divide hidden={self.hidden}")
        return self

    def build(self, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
        """A model of `vocabulary_size` tokens on the CPU, float32, all of whose values come from `generator`."""
        return fresh(lambda: MinigptModel(self, vocabulary_size), generator)


class MinigptModel(nn.Module):
    """The module behind `Minigpt`; `layers` are its blocks, in order."""

    placed = True
    """Where a token stands is what `positions` say, in whatever order a row has them."""

    def __init__(self, knobs: Minigpt, vocabulary_size: int):
        super().__init__()
        self.max_length = knobs.max_length
        self.takes_block_mask = knobs.hidden // knobs.heads >= NARROWEST
        self.embedding = nn.Embedding(vocabulary_size, knobs.hidden)
        self.positions = LearnedPositions(knobs.max_length, knobs.hidden)
        self.layers = nn.ModuleList(_Block(knobs) for _ in range(knobs.layers))
        self.decoder = Linear(knobs.hidden, vocabulary_size)
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
        hidden = self.positions(embed(tokens, self.embedding, self.parts), positions)  # [B, L, D]
        for layer in self.layers[:-1]:
            hidden = layer(hidden, mask)
        return self.layers[-1](hidden, mask, asked)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every token of the vocabulary: [N, D] → [N, V], by a matrix of its own."""
        return self.decoder(hidden)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Tables and matrices uniform by fan-in and fan-out (Glorot and Bengio 2010, eq. 16), biases 0, norms 1.

        Queries, keys and values are three matrices, though they stand in one.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                for matrix in module.weight.chunk(getattr(module, "parts", 1)):
                    nn.init.xavier_uniform_(matrix, generator=generator)
            if isinstance(module, nn.Linear):
                module.bias.zero_()
            elif isinstance(module, nn.LayerNorm):
                module.reset_parameters()
        if self.parts is not None:
            self.parts.initialise(generator)


class _Block(nn.Module):
    """x = norm(x + attention(x)); x = norm(x + feed_forward(x))."""

    def __init__(self, knobs: Minigpt):
        super().__init__()
        self.heads = knobs.heads
        self.query_key_value = Joint(knobs.hidden, knobs.hidden, 3)
        self.out = Linear(knobs.hidden, knobs.hidden)
        self.attention_norm = nn.LayerNorm(knobs.hidden, eps=EPSILON)
        self.into = Linear(knobs.hidden, knobs.intermediate)
        self.back = Linear(knobs.intermediate, knobs.hidden)
        self.feed_forward_norm = nn.LayerNorm(knobs.hidden, eps=EPSILON)
        self.dropout = nn.Dropout(knobs.dropout)

    def forward(self, hidden: Tensor, mask: Mask, asked: Tensor | None = None) -> Tensor:
        attended = self.dropout(self.out(self._attended(hidden, mask, asked)))
        hidden = self.attention_norm(pick(hidden, asked) + attended)
        return self.feed_forward_norm(hidden + self.dropout(self.back(F.relu(self.into(hidden)))))

    def _attended(self, hidden: Tensor, mask: Mask, asked: Tensor | None) -> Tensor:
        if asked is None or asked.ndim == 1:
            queries, keys, values = self._heads(self.query_key_value(hidden), 3)
            return pick(attend(queries, keys, values, mask, 0.0), asked)
        joint, width = self.query_key_value, hidden.shape[-1]
        (queries,) = self._heads(linear(in_rows(hidden, asked), joint.weight[:width], joint.bias[:width]), 1)
        keys, values = self._heads(linear(hidden, joint.weight[width:], joint.bias[width:]), 2)
        return attend(queries, keys, values, of_asked(mask, asked), 0.0).flatten(0, 1)

    def _heads(self, joint: Tensor, parts: int) -> Tensor:
        """[B, L, parts · D] → [parts, B, H, L, D / H]."""
        return joint.unflatten(-1, (parts, self.heads, -1)).permute(2, 0, 3, 1, 4)
