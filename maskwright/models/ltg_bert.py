"""LTG-BERT: norms before and after attention, gated feed-forward, order only through relative distances.

Samuel et al. 2023, Trained on 100 million words and still in shape (arXiv 2303.09859): NormFormer-like norms, GEGLU,
disentangled attention over one shared table of distances, and an initialisation that shrinks with depth. Its
descendants are settings: ELC-BERT (Charpentier and Samuel 2023, arXiv 2311.02265) is `residual`, and GPT-BERT (the same
2024, arXiv 2410.24159) the presets `gpt-small` and `gpt-base`.
"""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from ..layers.disentangled import attend_disentangled, split_heads
from ..layers.dropout import Dropout
from ..layers.geglu import Geglu
from ..layers.init import fresh, truncated_normal_
from ..layers.joint import Joint
from ..layers.linear import Linear
from ..layers.pick import pick
from ..layers.positions.buckets import Buckets
from ..layers.transformer import Transformer, TransformerSettings
from ..layers.variants.depth_weights import DepthWeights
from ..settings import settings
from ..settings.bounds import Size

GPT_BERT = {"gate": True, "inner_norm": True, "residual": "dense", "epsilon": 1e-5}

PRESETS = {
    "xs": {"hidden": 192, "heads": 3, "intermediate": 512},
    "small": {"hidden": 384, "heads": 6, "intermediate": 1024},
    "base": {"hidden": 768, "heads": 12, "intermediate": 2048},
    "gpt_small": {"hidden": 384, "heads": 6, "intermediate": 1280} | GPT_BERT,
    "gpt_base": {"hidden": 768, "heads": 12, "intermediate": 2560} | GPT_BERT,
}


@settings
class LtgBert(TransformerSettings):
    """LTG-BERT: relative distances, more norms and GEGLU; `buckets` is its `position_bucket_size`. GPT-BERT's model is
    `ltg-bert-gpt-small` or `ltg-bert-gpt-base`."""

    intermediate: Size = 1024
    """Inner width of GEGLU; its first matrix is twice as wide."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Probability for embeddings, distances, attention weights, branch outputs and the head."""
    buckets: Size = 32
    """Number of distance buckets per direction, zero included; half of them hold one distance each."""
    max_distance: Size = 512
    """Distances from `max_distance` − 1 on share the last bucket."""
    gate: bool = False
    """Whether what attention gives is multiplied by the GELU of as many numbers computed from its input, as in
    GPT-BERT."""
    inner_norm: bool = False
    """Whether the second norm of attention stands before its last matrix, and has no gains, as in
    GPT-BERT."""
    residual: Literal["sum", "elc", "elc_zero", "dense"] = "sum"
    """What a layer reads: `sum`, all before it, added up; `elc`, a weighted mean of the outputs of all layers, with no
    other way around attention, as in ELC-BERT; `elc_zero`, its variant whose weights begin equal and whose
    feed-forward reads the mean, too; `dense`, a weighted sum after attention and after the feed-forward, as in
    GPT-BERT."""
    epsilon: float = Field(1e-7, gt=0)
    """Added to the variance in every norm; 1e-5 in GPT-BERT."""

    @model_validator(mode="after")
    def _check_distances(self) -> "LtgBert":
        if not 2 <= self.buckets // 2 < self.max_distance - 1:
            most = 2 * self.max_distance - 3
            raise ValueError(f"buckets={self.buckets} must be 4 to {most}, as max_distance={self.max_distance}")
        return self

    def build(self, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
        """A model of `vocabulary_size` tokens on the CPU, float32, with all values drawn from `generator`."""
        return fresh(lambda: LtgBertModel(self, vocabulary_size), generator)


class LtgBertModel(Transformer):
    """The module behind `LtgBert`."""

    def __init__(self, settings: LtgBert, vocabulary_size: int):
        super().__init__()
        self.max_length = settings.max_length
        self.embedding = nn.Embedding(vocabulary_size, settings.hidden)
        self.norm = _norm(settings)
        self.buckets = Buckets(settings.max_length, settings.buckets // 2, settings.max_distance, settings.buckets)
        self.distances = nn.Embedding(2 * settings.buckets - 1, settings.hidden)
        self.distances_norm = _norm(settings, affine=True)
        self.dropout = Dropout(settings.dropout)
        self.sums = settings.residual == "sum"
        block = {"sum": _Block, "dense": _DenseBlock}.get(settings.residual, _ElcBlock)
        self.layers = nn.ModuleList(block(settings, number) for number in range(settings.layers))
        transform = Linear(settings.hidden, settings.hidden)
        self.head = nn.Sequential(_norm(settings), transform, nn.GELU(), _norm(settings), self.dropout)
        self.decoder_bias = nn.Parameter(torch.empty(vocabulary_size))
        self.nhot = settings.nhot.build(vocabulary_size, settings.hidden) if settings.nhot else None

    def forward(
        self,
        tokens: Tensor,
        mask: Tensor | None = None,
        positions: Tensor | None = None,
        target_positions: Tensor | None = None,
    ) -> Tensor:
        """Contextual vectors, [B, L, D]; see `Transformer`."""
        pairs = self.buckets(tokens.shape[1])  # [L, L, K]
        hidden = self.dropout(self.norm(self.embed(tokens)))  # [B, L, D]
        table = self.dropout(self.distances_norm(self.distances.weight))  # [K, D]
        if self.sums:
            for layer in self.layers[:-1]:
                hidden = layer(hidden, table, pairs, mask)
            return self.layers[-1](hidden, table, pairs, mask, target_positions)
        outputs = [hidden]
        for layer in self.layers[:-1]:
            hidden, *new = layer(hidden, table, pairs, mask, None, *outputs)
            outputs += new
        return self.layers[-1](hidden, table, pairs, mask, target_positions, *outputs)[0]

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Matrices with std sqrt(2 / 5D), feed-forward i times sqrt(1 / (2 (1 + i))); norms 1, biases 0 (section 3)."""
        std = (2 / (5 * self.embedding.embedding_dim)) ** 0.5
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                truncated_normal_(module.weight, std, generator)
            elif isinstance(module, Buckets):
                module.fill()
        # deeper branches start smaller, so that the residual stream keeps its scale
        for depth, branch in enumerate(module for module in self.modules() if isinstance(module, Geglu)):
            for matrix in (branch.into, branch.out):
                matrix.weight.mul_((2 * (1 + depth)) ** -0.5)
        self.reset(generator)


class _Block(nn.Module):
    """x += attention(x); x += feed_forward(norm(x))."""

    def __init__(self, settings: LtgBert, number: int):
        super().__init__()
        self.attention = _Attention(settings)
        self.norm = _norm(settings)
        between = _norm(settings, settings.intermediate)
        self.feed_forward = Geglu(settings.hidden, settings.intermediate, between, gelu="tanh", gate=1)
        self.dropout = Dropout(settings.dropout)

    def forward(
        self, hidden: Tensor, table: Tensor, pairs: Tensor, mask: Tensor | None, target_positions: Tensor | None = None
    ) -> Tensor:
        hidden = pick(hidden, target_positions) + self.attention(hidden, table, pairs, mask, target_positions)
        return hidden + self.forward_branch(hidden)

    def forward_branch(self, hidden: Tensor) -> Tensor:
        """The feed-forward of a normed input, [..., D]."""
        branch: Tensor = self.dropout(self.feed_forward(self.norm(hidden)))
        return branch


class _ElcBlock(_Block):
    """x = Σ αⱼ outputⱼ; a = attention(x); output = a + feed_forward(norm(a)), or of norm(x + a) as `elc_zero`."""

    def __init__(self, settings: LtgBert, number: int):
        super().__init__(settings, number)
        self.zero = settings.residual == "elc_zero"
        self.depth = DepthWeights(number + 1, soft=True, even=self.zero) if number else None

    def forward(  # type: ignore[override]
        self,
        hidden: Tensor,
        table: Tensor,
        pairs: Tensor,
        mask: Tensor | None,
        target_positions: Tensor | None,
        *outputs: Tensor,
    ) -> Sequence[Tensor]:
        """The output, twice: as what the next layer reads and as what all later ones sum."""
        hidden = hidden if self.depth is None else self.depth(outputs)
        attended = self.attention(hidden, table, pairs, mask, target_positions)
        read = pick(hidden, target_positions) + attended if self.zero else attended
        output = attended + self.forward_branch(read)
        return output, output


class _DenseBlock(_Block):
    """x = Σ αⱼ outputⱼ and x + attention(x); x = Σ βⱼ outputⱼ and x + feed_forward(norm(x)); each is an output."""

    def __init__(self, settings: LtgBert, number: int):
        super().__init__(settings, number)
        self.depth = nn.ModuleList(DepthWeights(2 * number + count, soft=False) for count in (2, 3))

    def forward(  # type: ignore[override]
        self,
        hidden: Tensor,
        table: Tensor,
        pairs: Tensor,
        mask: Tensor | None,
        target_positions: Tensor | None,
        *outputs: Tensor,
    ) -> Sequence[Tensor]:
        """What the next layer reads, and the two outputs that all later ones sum."""
        earlier = [pick(output, target_positions) for output in outputs]
        attended = pick(hidden, target_positions) + self.attention(hidden, table, pairs, mask, target_positions)
        hidden = self.depth[0]([*earlier, attended])
        output = hidden + self.forward_branch(hidden)
        return self.depth[1]([*earlier, attended, output]), attended, output


class _Attention(nn.Module):
    """Disentangled attention; one stacked matrix gives queries and keys, of tokens and distances alike."""

    def __init__(self, settings: LtgBert):
        super().__init__()
        self.heads, self.gate, self.inner_norm = settings.heads, settings.gate, settings.inner_norm
        self.norm = _norm(settings)
        self.query_key = Joint(settings.hidden, settings.hidden, 2)
        self.value = Joint(settings.hidden, settings.hidden, 2 if settings.gate else 1)
        self.out = Linear(settings.hidden, settings.hidden)
        self.out_norm = _norm(settings, affine=not settings.inner_norm)
        self.dropout = Dropout(settings.dropout)

    def forward(
        self, hidden: Tensor, table: Tensor, pairs: Tensor, mask: Tensor | None, target_positions: Tensor | None
    ) -> Tensor:
        hidden = self.norm(hidden)  # [B, L, D]
        queries, keys = split_heads(self.query_key(hidden), 2 * self.heads).chunk(2, dim=-3)  # [B, H, L, D / H]
        far_queries, far_keys = split_heads(self.query_key(table), 2 * self.heads).chunk(2, dim=-3)  # [H, K, D / H]
        values, *gates = self.value(hidden).chunk(1 + self.gate, dim=-1)  # [B, L, D] each
        values = split_heads(values, self.heads)  # [B, H, L, D / H]
        dropout = self.dropout.p if self.training else 0.0
        mixed = attend_disentangled(queries, keys, values, pairs, far_keys, far_queries, mask, dropout)  # [B, L, D]
        mixed = pick(mixed, target_positions)
        for gate in gates:
            mixed = mixed * F.gelu(pick(gate, target_positions))
        normed = self.out(self.out_norm(mixed)) if self.inner_norm else self.out_norm(self.out(mixed))
        return self.dropout(normed)


def _norm(settings: LtgBert, width: int | None = None, affine: bool = False) -> nn.LayerNorm:
    return nn.LayerNorm(width or settings.hidden, eps=settings.epsilon, elementwise_affine=affine)
