"""DeBERTa-v2: a post-norm encoder in which order enters only as relative distances, in two of three attention terms.

He et al. 2021 (arXiv 2006.03654 and 2111.09543), with the switches of the published v3 models: logarithmic buckets,
one normalised table of distances for all layers, projected by the same matrices as the tokens (`share_att_key`).
"""

import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor, nn

from ..layers.disentangled import split_heads
from ..layers.dropout import Dropout
from ..layers.init import fresh, truncated_normal_
from ..layers.linear import Linear
from ..layers.pick import pick
from ..layers.positions.skew import attend_skewed, distances
from ..layers.transformer import Transformer, TransformerSettings
from ..settings import settings
from ..settings.bounds import Size

PRESETS = {
    "tiny": {"hidden": 192, "layers": 4, "heads": 3, "intermediate": 768},
    "small": {"hidden": 384, "layers": 12, "heads": 6, "intermediate": 1536},
    "base": {"hidden": 768, "layers": 12, "heads": 12, "intermediate": 3072},
    "amlm": {"hidden": 384, "layers": 12, "heads": 12, "intermediate": 1280, "max_length": 1024, "max_distance": 1024},
}
"""`amlm` is the model of Edman and Fraser 2025 (arXiv 2510.20475): v3-base with a smaller width."""

EPSILON = 1e-7
STD = 0.02
"""Standard deviation of every matrix and table at initialisation."""


@settings
class Deberta(TransformerSettings):
    """DeBERTa-v2: relative distances in two terms of attention; equivalent to the `transformers` class without absolute
    positions and token types."""

    intermediate: Size = 1536
    """Inner width of the feed-forward."""
    buckets: Size = 256
    """Number of distance buckets per direction; half of them hold one distance each (`position_buckets`)."""
    max_distance: Size = 512
    """Distances from `max_distance` − 1 on share the last bucket (`max_relative_positions`)."""

    @model_validator(mode="after")
    def _check_distances(self) -> "Deberta":
        if not 2 <= self.buckets // 2 < self.max_distance - 1:
            raise ValueError(
                f"buckets={self.buckets} must be 4 to {2 * self.max_distance - 3}, as max_distance={self.max_distance}"
            )
        if self.max_length > self.max_distance:
            raise ValueError(f"max_distance={self.max_distance} must be at least max_length={self.max_length}")
        return self

    def build(self, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
        """A model of `vocabulary_size` tokens on the CPU, float32, with all values drawn from `generator`."""
        return fresh(lambda: DebertaModel(self, vocabulary_size), generator)


class DebertaModel(Transformer):
    """The module behind `Deberta`."""

    def __init__(self, settings: Deberta, vocabulary_size: int):
        super().__init__()
        self.max_length = settings.max_length
        self.near, self.far, self.count = settings.buckets // 2, settings.max_distance, settings.buckets
        self.embedding = nn.Embedding(vocabulary_size, settings.hidden)
        self.norm = _norm(settings)
        self.distances = nn.Embedding(2 * settings.buckets, settings.hidden)
        self.distances_norm = _norm(settings)
        self.dropout = Dropout(settings.dropout)
        self.layers = nn.ModuleList(_Block(settings) for _ in range(settings.layers))
        self.head = nn.Sequential(Linear(settings.hidden, settings.hidden), nn.GELU(), _norm(settings))
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
        hidden = self.dropout(self.norm(self.embed(tokens)))  # [B, L, D]
        table = self.distances_norm(self.distances.weight)  # [2K, D]
        buckets = distances(tokens.shape[1], self.near, self.far, self.count, tokens.device)  # [2L]
        for layer in self.layers[:-1]:  # only the last layer can leave out positions: the others feed attention
            hidden = layer(hidden, table, buckets, mask)
        return self.layers[-1](hidden, table, buckets, mask, target_positions)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Matrices and tables ± 0.02, norms 1, biases 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                truncated_normal_(module.weight, STD, generator)
        self.reset(generator)


class _Block(nn.Module):
    """x = norm(x + attention(x)); x = norm(x + feed_forward(x))."""

    def __init__(self, settings: Deberta):
        super().__init__()
        self.attention = _Attention(settings)
        self.attention_norm = _norm(settings)
        self.into = Linear(settings.hidden, settings.intermediate)
        self.out = Linear(settings.intermediate, settings.hidden)
        self.norm = _norm(settings)
        self.dropout = Dropout(settings.dropout)

    def forward(
        self,
        hidden: Tensor,
        table: Tensor,
        buckets: Tensor,
        mask: Tensor | None,
        target_positions: Tensor | None = None,
    ) -> Tensor:
        branch = self.dropout(self.attention(hidden, table, buckets, mask, target_positions))
        hidden = self.attention_norm(pick(hidden, target_positions) + branch)
        return self.norm(hidden + self.dropout(self.out(F.gelu(self.into(hidden)))))


class _Attention(nn.Module):
    """Disentangled attention whose query and key matrices project tokens and distances alike."""

    def __init__(self, settings: Deberta):
        super().__init__()
        self.heads, self.buckets = settings.heads, settings.buckets
        self.query, self.key, self.value, self.out = (Linear(settings.hidden, settings.hidden) for _ in range(4))
        self.dropout = Dropout(settings.dropout)

    def forward(
        self, hidden: Tensor, table: Tensor, buckets: Tensor, mask: Tensor | None, target_positions: Tensor | None
    ) -> Tensor:
        queries, keys, values = (split_heads(part(hidden), self.heads) for part in (self.query, self.key, self.value))
        table = self.dropout(table)
        # the distance of key from query is minus that of query from key, hence the opposite sign of the buckets
        far_keys = split_heads(self.key(table), self.heads)[:, self.buckets + buckets]  # [H, 2L, D / H]
        far_queries = split_heads(self.query(table), self.heads)[:, self.buckets - buckets]
        dropout = self.dropout.p if self.training else 0.0
        mixed = attend_skewed(queries, keys, values, far_keys, far_queries, mask, dropout)  # [B, L, D]
        return self.out(pick(mixed, target_positions))


def _norm(settings: Deberta) -> nn.LayerNorm:
    return nn.LayerNorm(settings.hidden, eps=EPSILON)
