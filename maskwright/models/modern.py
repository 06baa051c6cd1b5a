"""A pre-norm encoder with rotary positions and GEGLU, no biases: a BERT as built in 2025.

Warner et al. 2024, ModernBERT (arXiv 2412.13663); local attention in some layers, as there, is an option, and so is
what made small models better since (`layers/variants`). Branches end in a matrix of zeros, so each block starts as the
identity, which trains faster (Zhang et al. 2019, Fixup, arXiv 1901.09321).
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask

from ..attention import Mask
from ..layers.attend import NARROWEST
from ..layers.dropout import Dropout
from ..layers.geglu import Geglu
from ..layers.init import fresh, truncated_normal_
from ..layers.joint import Joint
from ..layers.linear import Linear, linear
from ..layers.local_attention import Window, local_blocks, window
from ..layers.pick import pick
from ..layers.positions.learned import LearnedPositions
from ..layers.positions.rotary import Rotary
from ..layers.self_attention import Heads, self_attend
from ..layers.transformer import Transformer, TransformerSettings, default_positions
from ..layers.variants.feed_forward import FeedForward, FeedForwardKind, feed_forward
from ..layers.variants.heads import HeadGate, HeadNorm, HeadOptions, ValueMix
from ..layers.variants.late_masks import Early, LateMasks
from ..layers.variants.wiring import Residual
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
    attention: HeadOptions = HeadOptions()
    """Norms, gates and values of attention."""
    residual: Residual = Residual()
    """What a layer reads besides the output of the one before it."""
    feed_forward: FeedForwardKind = "geglu"
    """`geglu`, `swiglu`, `reglu`, `relu2_glu`: GELU, SiLU, ReLU or its square, of one half of the inner vector, times
    the other half; `relu2`: the square of ReLU alone, whose first matrix is not twice as wide."""
    distinct_layers: Layers | None = None
    """Layers with matrices of their own, which the others use in turn (Lan et al. 2019, ALBERT, arXiv 1909.11942); null
    for all."""
    soft_cap: float | None = Field(None, gt=0)
    """Scores of tokens stay between −`soft_cap` and `soft_cap`, by c · tanh(score / c) (Gemma Team 2024, arXiv
    2408.00118, section 2); null for no bound."""
    mask_later: Layers | None = None
    """How many layers [MASK] skips: it enters then, and the layers before compute the other tokens alone (Liao et al.
    2022, arXiv 2211.04898). Evaluation, sampling and exported models do the same. Null lets it enter at once."""

    @model_validator(mode="after")
    def _check(self) -> "Modern":
        if self.hidden % (2 * self.heads):
            raise ValueError(f"heads={self.heads} must divide hidden={self.hidden} into heads of even width")
        if self.distinct_layers and self.distinct_layers > self.layers:
            raise ValueError(f"distinct_layers={self.distinct_layers}: there are layers={self.layers}")
        if self.mask_later and self.mask_later >= self.layers:
            raise ValueError(f"mask_later={self.mask_later} must be less than layers={self.layers}: [MASK] must enter")
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
        learned, width = settings.positions == "learned", settings.hidden // settings.heads
        self.takes_block_mask = width >= NARROWEST and not settings.dropout and settings.mask_later is None
        self.soft_cap, self.values = settings.soft_cap, settings.attention.values
        self.embedding = nn.Embedding(vocabulary_size, settings.hidden)
        self.positions = LearnedPositions(settings.max_length, settings.hidden) if learned else None
        self.rotary = None if learned else Rotary(settings.max_length, width, settings.theta)
        self.window = settings.window
        # a cache keeps keys without their positions, a pair for each matrix, of tokens that all layers compute
        self.takes_cache = not (settings.window or settings.distinct_layers or settings.mask_later)
        local = settings.window and not learned
        self.local_rotary = Rotary(settings.max_length, width, settings.local_theta) if local else None
        self.norm = _norm(settings.hidden)
        self.dropout = Dropout(settings.dropout)
        self.wirings, self.skips = settings.residual.build(settings.layers), settings.residual.skips
        self.late = LateMasks(settings.mask_later) if settings.mask_later else None
        self.shares_layers = settings.distinct_layers is not None
        blocks: list[_Block] = []
        for number in range(settings.layers):
            owner = number % (settings.distinct_layers or settings.layers)
            blocks.append(_Block(settings, number, blocks[owner] if owner < number else None))
        self.layers = nn.ModuleList(blocks)
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
        early = None if self.late is None else self.late(tokens)
        if early is not None:
            return self.final_norm(self._late(early, hidden, mask, positions, target_positions))
        everything = range(len(self.layers))
        return self.final_norm(self._through(everything, hidden, hidden, mask, positions, [], target_positions))

    def _late(
        self, early: Early, first: Tensor, mask: Mask, positions: Tensor, target_positions: Tensor | None
    ) -> Tensor:
        """`first` [B, L, D] through all layers, of which the first see no [MASK], and the last sees all."""
        assert self.late is not None
        assert mask is None or isinstance(mask, Tensor)
        outputs: list[Tensor] = []
        begin, narrow = min(self.late.layers, len(self.layers) - 1), early.narrow(first)
        seen = early.mask(mask), early.narrow(positions)
        hidden = early.widen(self._through(range(begin), narrow, narrow, *seen, outputs), first)
        outputs = [early.widen(output, first) for output in outputs]
        rest = range(begin, len(self.layers))
        return self._through(rest, hidden, first, mask, positions, outputs, target_positions)

    def _through(
        self,
        numbers: Sequence[int],
        hidden: Tensor,
        first: Tensor,
        mask: Mask,
        positions: Tensor,
        outputs: list[Tensor],
        target_positions: Tensor | None = None,
    ) -> Tensor:
        """`hidden` [B, L, D] through the layers of these numbers; the last of the model computes the targets alone.

        first: [B, L, D], what the first layer reads.  outputs: those of the layers before, which are added to.
        """
        everywhere = (mask, None if self.rotary is None else self.rotary(positions), None)  # [B or 1, L, 2, D / H]
        nearby = everywhere if self.window is None else self._local(mask, positions, self.window)
        beginning: Any = self.layers[0]
        source = beginning.values(first) if self.values == "first" else first
        for number in numbers:
            layer, last = self.layers[number], number == len(self.layers) - 1
            if self.wirings is not None:
                hidden = self.wirings[number](hidden, first, outputs)
            seen = nearby if layer.local else everywhere
            hidden = layer(hidden, *seen, target_positions if last else None, source)
            if self.skips:
                outputs.append(hidden)
        return hidden

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
            if isinstance(branch, _Attention | Geglu | FeedForward):
                branch.out.weight.zero_()
        self.reset(generator)


class _Block(nn.Module):
    """x += attention(norm(x)); x += feed_forward(norm(x)); the first block's input is normalised already.

    `owner` is the block whose matrices it uses, where it has none of its own: they are no parameters of this one.
    """

    attention: "_Attention"
    feed_forward: nn.Module

    def __init__(self, settings: Modern, number: int, owner: "_Block | None" = None):
        super().__init__()
        self.local = settings.window is not None and number % settings.global_every > 0
        self.attention_norm = _norm(settings.hidden) if number else nn.Identity()
        if owner is None:
            self.attention = _Attention(settings)
        self.feed_forward_norm = _norm(settings.hidden)
        values = settings.attention.values
        self.mix = ValueMix(values) if number and values != "own" else None
        if owner is None:
            between = Dropout(settings.dropout)
            self.feed_forward = feed_forward(settings.feed_forward, settings.hidden, settings.intermediate, between)
        else:
            self.__dict__.update(attention=owner.attention, feed_forward=owner.feed_forward)

    def forward(
        self,
        hidden: Tensor,
        mask: Mask,
        rotations: Tensor | None,
        near: Window | None = None,
        target_positions: Tensor | None = None,
        source: Tensor | None = None,
    ) -> Tensor:
        """`source` [B, L, D] is what the values are mixed with, if they are."""
        mix = None if self.mix is None else (self.mix, source)
        attended = self.attention(self.attention_norm(hidden), mask, rotations, near, target_positions, mix)
        hidden = pick(hidden, target_positions) + attended
        return hidden + self.feed_forward(self.feed_forward_norm(hidden))

    def values(self, hidden: Tensor) -> Tensor:
        """The values of the first block, [B, L, D]; its input is normalised already."""
        return linear(hidden, self.attention.query_key_value.weight.chunk(3)[2])


class _Attention(nn.Module):
    def __init__(self, settings: Modern):
        super().__init__()
        self.heads, self.dropout = settings.heads, settings.dropout
        self.query_key_value = Joint(settings.hidden, settings.hidden, 3, bias=False)
        self.out = Linear(settings.hidden, settings.hidden, bias=False)
        self.out_dropout = Dropout(settings.dropout)
        self.norm = HeadNorm(settings.hidden // settings.heads) if settings.attention.qk_norm else None
        self.gate = HeadGate(settings.hidden, settings.heads) if settings.attention.gate else None

    def forward(
        self,
        hidden: Tensor,
        mask: Mask,
        rotations: Tensor | None,
        near: Window | None,
        target_positions: Tensor | None,
        mix: tuple[ValueMix, Tensor] | None = None,
    ) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        how = Heads(self.query_key_value, self.heads, rotations, self.norm, mix)
        mixed = self_attend(how, hidden, mask, target_positions, dropout, near)
        if self.gate is not None:
            mixed = self.gate(mixed, pick(hidden, target_positions))
        return self.out_dropout(self.out(mixed))


def _norm(hidden: int) -> nn.LayerNorm:
    return nn.LayerNorm(hidden, eps=EPSILON, bias=False)
