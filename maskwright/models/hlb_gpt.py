"""hlb-gpt: one block for attention and feed-forward together, and attention that falls off with distance.

By the public description of hlb-gpt 0.4.1 (github.com/tysam-code/hlb-gpt): a gated expansion of which one half stays
where it is and the other half are the values of attention, whose queries and keys are an eighth as wide; a learned
slope on the distance in place of positions, as in ALiBi (Press et al. 2022, arXiv 2108.12409). There the model is
causal; here the mask says what is seen, so each direction has a slope of its own.
"""

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from ..layers.dropout import Dropout
from ..layers.geglu import Geglu
from ..layers.init import fresh
from ..layers.joint import Joint
from ..layers.linear import Linear
from ..layers.pick import in_rows, mask_of_targets, pick
from ..layers.transformer import Transformer, TransformerSettings, default_positions
from ..settings import settings
from ..settings.bounds import Layers, Size

PRESETS = {"base": {"hidden": 384, "layers": 8, "heads": 1, "intermediate": 768}}

NARROWER = 8
"""How many times narrower than the residual stream queries and keys are."""
EPSILON = 1e-5


@settings
class HlbGpt(TransformerSettings):
    """hlb-gpt: attention inside a gated feed-forward, with a learned falloff by distance in place of positions."""

    heads: Layers = 1
    """Attention heads; they share an eighth of `hidden` evenly as queries and keys, and `hidden` as values."""
    intermediate: Size = 768
    """Inner width of GEGLU: `hidden` of it are the values of attention, what is left stays where it is."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Probability for the embeddings and the output of each block."""

    @model_validator(mode="after")
    def _check_widths(self) -> "HlbGpt":
        if self.hidden % (NARROWER * self.heads):
            raise ValueError(f"hidden={self.hidden} must be a multiple of {NARROWER} × heads={self.heads}")
        if self.intermediate <= self.hidden:
            raise ValueError(f"intermediate={self.intermediate} must be more than hidden={self.hidden}, its values")
        return self

    def build(self, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
        """A model of `vocabulary_size` tokens on the CPU, float32, with all values drawn from `generator`."""
        return fresh(lambda: HlbGptModel(self, vocabulary_size), generator)


class HlbGptModel(Transformer):
    """The module behind `HlbGpt`."""

    reads_positions = True
    """Distances are those of `positions`, so that the tokens of a row may be in any order."""

    def __init__(self, settings: HlbGpt, vocabulary_size: int):
        super().__init__()
        self.max_length = settings.max_length
        self.embedding = nn.Embedding(vocabulary_size, settings.hidden)
        self.dropout = Dropout(settings.dropout)
        self.layers = nn.ModuleList(_Block(settings) for _ in range(settings.layers))
        self.final_norm = _norm(settings.hidden)
        self.decoder = Linear(settings.hidden, vocabulary_size, bias=False)
        self.nhot = settings.nhot.build(vocabulary_size, settings.hidden) if settings.nhot else None

    def forward(
        self,
        tokens: Tensor,
        mask: Tensor | None = None,
        positions: Tensor | None = None,
        target_positions: Tensor | None = None,
    ) -> Tensor:
        """Contextual vectors, [B, L, D]; see `Transformer`."""
        hidden = self.embed(tokens, positions)  # [B, L, D]
        positions = default_positions(tokens) if positions is None else positions
        ahead = positions[:, None, :] - positions[:, :, None]  # [B or 1, L, L]: how far the key is after the query
        hidden = self.dropout(hidden)
        for layer in self.layers[:-1]:
            hidden = layer(hidden, mask, ahead)
        return self.final_norm(self.layers[-1](hidden, mask, ahead, target_positions))

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every token of the vocabulary: [N, D] → [N, V], by an output matrix of its own."""
        return self.decoder(hidden)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """As there: std 1/√D times ¼ for embedding and expansion, ½ for output, 1 / (2 · layers) for blocks."""
        unit = self.embedding.embedding_dim**-0.5
        nn.init.normal_(self.embedding.weight, std=unit / 4, generator=generator)
        for block in (module for module in self.modules() if isinstance(module, _Block)):
            nn.init.normal_(block.query_key.weight, std=unit / 4, generator=generator)
            nn.init.normal_(block.inner.into.weight, std=unit / 4, generator=generator)
            nn.init.normal_(block.inner.out.weight, std=unit / 2 / len(self.layers), generator=generator)
            block.falloff.fill_(1)
        nn.init.normal_(self.decoder.weight, std=unit / 2, generator=generator)
        self.reset(generator)


class _Block(nn.Module):
    """x += out([a part of GEGLU(norm(x)), attention over the rest of it])."""

    def __init__(self, settings: HlbGpt):
        super().__init__()
        self.heads, self.hidden = settings.heads, settings.hidden
        self.norm = _norm(settings.hidden)
        self.query_key = Joint(settings.hidden, settings.hidden // NARROWER, 2, bias=False)
        self.inner = Geglu(settings.hidden, settings.intermediate, nn.Identity(), gelu="none", gate=0)
        self.falloff = nn.Parameter(torch.empty(2 * settings.heads))
        """Before softplus, which makes the slopes of keys before the query, of each head, and of keys after it."""
        self.dropout = Dropout(settings.dropout)

    def forward(
        self, hidden: Tensor, mask: Tensor | None, ahead: Tensor, target_positions: Tensor | None = None
    ) -> Tensor:
        normed = self.norm(hidden)
        queries, keys = self.query_key(normed).unflatten(-1, (2, self.heads, -1)).transpose(1, 3).unbind(2)
        local, values = self.inner.gated(normed).split([self.inner.out.in_features - self.hidden, self.hidden], dim=-1)
        heads = values.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, H, L, D / H]
        if target_positions is None or target_positions.ndim == 1:
            mixed = pick(self._attend(queries, keys, heads, mask, ahead), target_positions)
        else:
            asked = in_rows(queries.transpose(1, 2), target_positions).transpose(1, 2)
            seen, far = mask_of_targets(mask, target_positions), in_rows(ahead, target_positions)
            mixed = self._attend(asked, keys, heads, seen, far).flatten(0, 1)
        joined = torch.cat([pick(local, target_positions), mixed], dim=-1)
        return pick(hidden, target_positions) + self.dropout(self.inner.out(joined))

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, ahead: Tensor) -> Tensor:
        """Softmax of queries · keys / sqrt(width) − slope · distance, [B, n, D]."""
        before, after = F.softplus(self.falloff).view(2, -1, 1, 1)  # [H, 1, 1] each
        distance = ahead[:, None]  # [B or 1, 1, n, L]
        scores = (
            queries @ keys.mT * queries.shape[-1] ** -0.5 - torch.where(distance < 0, before, after) * distance.abs()
        )
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        weights = scores.softmax(dim=-1, dtype=torch.float32).to(values.dtype)
        return (weights @ values).transpose(1, 2).flatten(2)


def _norm(hidden: int) -> nn.LayerNorm:
    return nn.LayerNorm(hidden, eps=EPSILON, bias=False)
