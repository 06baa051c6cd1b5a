"""MiniGPT, the transformer of Aether: learned positions, post-norm, a narrow ReLU feed-forward, untied output.

Blocks as in Vaswani et al. 2017 ("Attention is all you need", section 3.1), sizes and initialisation as in Aether's
`minigpt-linear`. The attention mask sets the direction, so the same weights serve every view.
"""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..attention import Mask
from ..layers.attend import NARROWEST
from ..layers.dropout import Dropout
from ..layers.init import fresh
from ..layers.joint import Joint
from ..layers.linear import Linear
from ..layers.pick import pick
from ..layers.positions.learned import LearnedPositions
from ..layers.self_attention import Heads, self_attend
from ..layers.transformer import Transformer, TransformerSettings, default_positions
from ..settings import settings
from ..settings.bounds import Layers, Size

PRESETS = {"base": {"hidden": 768, "layers": 12, "heads": 12, "intermediate": 768, "max_length": 1024}}

EPSILON = 1e-6


@settings
class Minigpt(TransformerSettings):
    """Aether's transformer: learned positions, post-norm, ReLU; `minigpt-linear` is the preset `minigpt-base`."""

    hidden: Size = 768
    """Width of the residual stream (`embed_dim`)."""
    heads: Layers = 12
    """Attention heads; they share `hidden` evenly (`num_heads`)."""
    intermediate: Size = 768
    """Inner width of the feed-forward layer (`feed_forward_dim`)."""
    max_length: Size = 1024
    """Longest row that the model takes, in tokens (`maxlen`)."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Probability for the output of each branch."""

    def build(self, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
        """A model of `vocabulary_size` tokens on the CPU, float32, with all values drawn from `generator`."""
        return fresh(lambda: MinigptModel(self, vocabulary_size), generator)


class MinigptModel(Transformer):
    """The module behind `Minigpt`."""

    reads_positions = True
    """Position comes from `positions` alone, so that the tokens of a row may be in any order."""
    takes_cache = True
    """The keys and values of a row's first positions may be kept."""

    def __init__(self, settings: Minigpt, vocabulary_size: int):
        super().__init__()
        self.max_length = settings.max_length
        self.takes_block_mask = settings.hidden // settings.heads >= NARROWEST
        self.embedding = nn.Embedding(vocabulary_size, settings.hidden)
        self.positions = LearnedPositions(settings.max_length, settings.hidden)
        self.layers = nn.ModuleList(_Block(settings) for _ in range(settings.layers))
        self.decoder = Linear(settings.hidden, vocabulary_size)
        self.nhot = settings.nhot.build(vocabulary_size, settings.hidden) if settings.nhot else None

    def forward(
        self,
        tokens: Tensor,
        mask: Mask = None,
        positions: Tensor | None = None,
        target_positions: Tensor | None = None,
    ) -> Tensor:
        """Contextual vectors, [B, L, D]; see `Transformer`."""
        hidden = self.embed(tokens, positions)  # [B, L, D]
        positions = default_positions(tokens) if positions is None else positions
        hidden = self.positions(hidden, positions)
        for layer in self.layers[:-1]:
            hidden = layer(hidden, mask)
        return self.layers[-1](hidden, mask, target_positions)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every token of the vocabulary: [N, D] → [N, V], by an output matrix of its own."""
        return self.decoder(hidden)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Tables and matrices uniform by fan-in and fan-out (Glorot and Bengio 2010, eq. 16), biases 0, norms 1.

        Queries, keys and values count as three matrices though they are stored as one: fan-out is that of each.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                for matrix in module.weight.chunk(getattr(module, "parts", 1)):
                    nn.init.xavier_uniform_(matrix, generator=generator)
        self.reset(generator)


class _Block(nn.Module):
    """x = norm(x + attention(x)); x = norm(x + feed_forward(x))."""

    def __init__(self, settings: Minigpt):
        super().__init__()
        self.heads = settings.heads
        self.query_key_value = Joint(settings.hidden, settings.hidden, 3)
        self.out = Linear(settings.hidden, settings.hidden)
        self.attention_norm = nn.LayerNorm(settings.hidden, eps=EPSILON)
        self.into = Linear(settings.hidden, settings.intermediate)
        self.back = Linear(settings.intermediate, settings.hidden)
        self.feed_forward_norm = nn.LayerNorm(settings.hidden, eps=EPSILON)
        self.dropout = Dropout(settings.dropout)

    def forward(self, hidden: Tensor, mask: Mask, target_positions: Tensor | None = None) -> Tensor:
        attended = self_attend(Heads(self.query_key_value, self.heads), hidden, mask, target_positions)
        hidden = self.attention_norm(pick(hidden, target_positions) + self.dropout(self.out(attended)))
        return self.feed_forward_norm(hidden + self.dropout(self.back(F.relu(self.into(hidden)))))
