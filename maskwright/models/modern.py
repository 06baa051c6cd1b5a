"""A pre-norm encoder with rotary positions and GEGLU, no biases: a BERT as built in 2025.

Warner et al. 2024, ModernBERT (arXiv 2412.13663); local attention in some layers, as there, is an option. Branches end
in a matrix of zeros, so each block starts as the identity, which trains faster (Zhang et al. 2019, Fixup, arXiv
1901.09321).
"""

from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask

from ..attention import Mask
from ..layers.attend import NARROWEST
from ..layers.geglu import Geglu
from ..layers.init import fresh, truncated_normal_
from ..layers.joint import Joint
from ..layers.learned_positions import LearnedPositions
from ..layers.linear import Linear
from ..layers.local_attention import Window, local_blocks, window
from ..layers.pick import pick
from ..layers.rotary import Rotary
from ..layers.self_attention import self_attend
from ..layers.transformer import Transformer, TransformerSettings, default_positions
from ..settings import settings
from ..settings.bounds import Layers, Size

PRESETS = {
    "tiny": {"hidden": 192, "layers": 4, "heads": 3, "intermediate": 512},
    "small": {"hidden": 384, "layers": 12, "heads": 6, "intermediate": 1024},
    "base": {"hidden": 768, "layers": 12, "heads": 12, "intermediate": 2048},
}

EPSILON = 1e-5


@settings
class Modern(TransformerSettings):
    """ModernBERT: rotary (or learned) positions, pre-norm, GEGLU, no biases; global or local attention."""

    intermediate: Size = 1024
    """Inner width of GEGLU; its first matrix is twice as wide."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Probability for the embeddings, the attention weights and outputs, and the inner vector of GEGLU."""
    positions: Literal["rotary", "learned"] = "rotary"
    """How order is encoded: rotation of queries and keys, or a learned vector per position."""
    theta: float = 10_000.0
    """Base of the rotary wavelengths; ModernBERT has 160,000 in global layers."""
    window: Size | None = None
    """Positions on each side that a local layer attends to, 64 in ModernBERT; null makes every layer global."""
    global_every: Layers = 3
    """With a window, every so many-th layer is global, from the first on."""
    local_theta: float = 10_000.0
    """Base of the rotary wavelengths in local layers."""

    @model_validator(mode="after")
    def _check(self) -> "Modern":
        if self.hidden % (2 * self.heads):
            raise ValueError(f"heads={self.heads} must divide hidden={self.hidden} into heads of even width")
        return self

    def build(self, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
        """A model of `vocabulary_size` tokens on the CPU, float32, with all values drawn from `generator`."""
        return fresh(lambda: ModernModel(self, vocabulary_size), generator)


class ModernModel(Transformer):
    """The module behind `Modern`."""

    reads_positions = True
    """Position comes from `positions` alone, so that the tokens of a row may be in any order."""

    def __init__(self, settings: Modern, vocabulary_size: int):
        super().__init__()
        self.max_length = settings.max_length
        self.takes_block_mask = not settings.dropout and settings.hidden // settings.heads >= NARROWEST
        self.embedding = nn.Embedding(vocabulary_size, settings.hidden)
        learned, width = settings.positions == "learned", settings.hidden // settings.heads
        self.positions = LearnedPositions(settings.max_length, settings.hidden) if learned else None
        self.rotary = None if learned else Rotary(settings.max_length, width, settings.theta)
        self.window = settings.window
        self.takes_cache = settings.window is None  # which keeps keys without their positions
        local = settings.window and not learned
        self.local_rotary = Rotary(settings.max_length, width, settings.local_theta) if local else None
        self.norm = _norm(settings.hidden)
        self.dropout = nn.Dropout(settings.dropout)
        self.layers = nn.ModuleList(_Block(settings, layer) for layer in range(settings.layers))
        self.final_norm = _norm(settings.hidden)
        self.head = nn.Sequential(
            Linear(settings.hidden, settings.hidden, bias=False), nn.GELU(), _norm(settings.hidden)
        )
        self.decoder_bias = nn.Parameter(torch.empty(vocabulary_size))
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
        if self.positions is not None:
            hidden = self.positions(hidden, positions)
        hidden = self.dropout(self.norm(hidden))
        everywhere = (mask, None if self.rotary is None else self.rotary(positions), None)  # [B or 1, L, 2, D / H]
        nearby = everywhere if self.window is None else self._local(mask, positions, self.window)
        for layer in self.layers[:-1]:
            hidden = layer(hidden, *(nearby if layer.local else everywhere))
        last = self.layers[-1]
        return self.final_norm(last(hidden, *(nearby if last.local else everywhere), target_positions))

    def _local(self, mask: Mask, positions: Tensor, reach: int) -> tuple[Mask, Tensor | None, Window]:
        """The mask, the rotations and the window of local layers."""
        seen = local_blocks(mask, reach, positions) if isinstance(mask, BlockMask) else mask
        rotations = None if self.local_rotary is None else self.local_rotary(positions)
        return seen, rotations, window(reach, positions, seen)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Norms 1, biases and branch outputs 0, embeddings std 0.02, others sqrt(2 / 5D) (Nguyen and Salazar 2019)."""
        matrix = (2 / (5 * self.embedding.embedding_dim)) ** 0.5
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                truncated_normal_(module.weight, 0.02 if isinstance(module, nn.Embedding) else matrix, generator)
            elif isinstance(module, Rotary):
                module.fill()
        for branch in self.modules():
            if isinstance(branch, _Attention | Geglu):
                branch.out.weight.zero_()
        self.reset(generator)


class _Block(nn.Module):
    """x += attention(norm(x)); x += feed_forward(norm(x)); the first block's input is normalised already."""

    def __init__(self, settings: Modern, number: int):
        super().__init__()
        self.local = settings.window is not None and number % settings.global_every > 0
        self.attention_norm = _norm(settings.hidden) if number else nn.Identity()
        self.attention = _Attention(settings)
        self.feed_forward_norm = _norm(settings.hidden)
        between = nn.Dropout(settings.dropout)
        self.feed_forward = Geglu(settings.hidden, settings.intermediate, between, gelu="none", gate=0)

    def forward(
        self,
        hidden: Tensor,
        mask: Mask,
        rotations: Tensor | None,
        near: Window | None = None,
        target_positions: Tensor | None = None,
    ) -> Tensor:
        hidden = pick(hidden, target_positions) + self.attention(
            self.attention_norm(hidden), mask, rotations, near, target_positions
        )
        return hidden + self.feed_forward(self.feed_forward_norm(hidden))


class _Attention(nn.Module):
    def __init__(self, settings: Modern):
        super().__init__()
        self.heads, self.dropout = settings.heads, settings.dropout
        self.query_key_value = Joint(settings.hidden, settings.hidden, 3, bias=False)
        self.out = Linear(settings.hidden, settings.hidden, bias=False)
        self.out_dropout = nn.Dropout(settings.dropout)

    def forward(
        self, hidden: Tensor, mask: Mask, rotations: Tensor | None, near: Window | None, target_positions: Tensor | None
    ) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        mixed = self_attend(self.query_key_value, self.heads, hidden, mask, target_positions, dropout, rotations, near)
        return self.out_dropout(self.out(mixed))


def _norm(hidden: int) -> nn.LayerNorm:
    return nn.LayerNorm(hidden, eps=EPSILON, bias=False)
