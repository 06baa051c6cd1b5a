"""LTG-BERT: norms before and after attention, gated feed-forward, order only through relative distances.

Samuel et al. 2023, Trained on 100 million words and still in shape (arXiv 2303.09859): NormFormer-like norms, GEGLU,
disentangled attention over one shared table of distances, and an initialisation that shrinks with depth.
"""

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from ..layers.buckets import Buckets
from ..layers.disentangled import attend_disentangled, split_heads
from ..layers.geglu import Geglu
from ..layers.init import fresh, truncated_normal_
from ..layers.joint import Joint
from ..layers.linear import Linear
from ..layers.pick import pick
from ..layers.transformer import Transformer, TransformerSettings
from ..settings import settings
from ..settings.bounds import Size

PRESETS = {
    "xs": {"hidden": 192, "heads": 3, "intermediate": 512},
    "small": {"hidden": 384, "heads": 6, "intermediate": 1024},
    "base": {"hidden": 768, "heads": 12, "intermediate": 2048},
}

EPSILON = 1e-7


@settings
class LtgBert(TransformerSettings):
    """LTG-BERT: relative distances, more norms and GEGLU; `buckets` is its `position_bucket_size`."""

    intermediate: Size = 1024
    """Inner width of GEGLU; its first matrix is twice as wide."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Probability for embeddings, distances, attention weights, branch outputs and the head."""
    buckets: Size = 32
    """Number of distance buckets per direction, zero included; half of them hold one distance each."""
    max_distance: Size = 512
    """Distances from `max_distance` − 1 on share the last bucket."""

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
        self.norm = _norm(settings.hidden)
        self.buckets = Buckets(settings.max_length, settings.buckets // 2, settings.max_distance, settings.buckets)
        self.distances = nn.Embedding(2 * settings.buckets - 1, settings.hidden)
        self.distances_norm = _norm(settings.hidden, affine=True)
        self.dropout = nn.Dropout(settings.dropout)
        self.layers = nn.ModuleList(_Block(settings) for _ in range(settings.layers))
        transform = Linear(settings.hidden, settings.hidden)
        self.head = nn.Sequential(_norm(settings.hidden), transform, nn.GELU(), _norm(settings.hidden), self.dropout)
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
        for layer in self.layers[:-1]:
            hidden = layer(hidden, table, pairs, mask)
        return self.layers[-1](hidden, table, pairs, mask, target_positions)

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

    def __init__(self, settings: LtgBert):
        super().__init__()
        self.attention = _Attention(settings)
        self.norm = _norm(settings.hidden)
        between = _norm(settings.intermediate)
        self.feed_forward = Geglu(settings.hidden, settings.intermediate, between, gelu="tanh", gate=1)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(
        self, hidden: Tensor, table: Tensor, pairs: Tensor, mask: Tensor | None, target_positions: Tensor | None = None
    ) -> Tensor:
        hidden = pick(hidden, target_positions) + self.attention(hidden, table, pairs, mask, target_positions)
        return hidden + self.dropout(self.feed_forward(self.norm(hidden)))


class _Attention(nn.Module):
    """Disentangled attention; one stacked matrix gives queries and keys, of tokens and distances alike."""

    def __init__(self, settings: LtgBert):
        super().__init__()
        self.heads = settings.heads
        self.norm = _norm(settings.hidden)
        self.query_key = Joint(settings.hidden, settings.hidden, 2)
        self.value = Linear(settings.hidden, settings.hidden)
        self.out = Linear(settings.hidden, settings.hidden)
        self.out_norm = _norm(settings.hidden, affine=True)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(
        self, hidden: Tensor, table: Tensor, pairs: Tensor, mask: Tensor | None, target_positions: Tensor | None
    ) -> Tensor:
        hidden = self.norm(hidden)  # [B, L, D]
        queries, keys = split_heads(self.query_key(hidden), 2 * self.heads).chunk(2, dim=-3)  # [B, H, L, D / H]
        far_queries, far_keys = split_heads(self.query_key(table), 2 * self.heads).chunk(2, dim=-3)  # [H, K, D / H]
        values = split_heads(self.value(hidden), self.heads)  # [B, H, L, D / H]
        dropout = self.dropout.p if self.training else 0.0
        mixed = attend_disentangled(queries, keys, values, pairs, far_keys, far_queries, mask, dropout)  # [B, L, D]
        return self.dropout(self.out_norm(self.out(pick(mixed, target_positions))))


def _norm(hidden: int, affine: bool = False) -> nn.LayerNorm:
    return nn.LayerNorm(hidden, eps=EPSILON, elementwise_affine=affine)
