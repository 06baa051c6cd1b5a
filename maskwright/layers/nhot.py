"""N-hot embeddings: the embedding of a token is combined with those of its substrings.

Edman and Fraser 2025 (arXiv 2510.20475): the vocabulary entries that are substrings of a token, as a binary vector, are
multiplied by a learned matrix and added to the token's embedding. Other fusions weight the parts or their sum. Computed
once per distinct token of a batch.

Shapes: U distinct tokens, P parts of all of them, V entries, D width of the model, W of the parts.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor, nn

from ..settings import settings
from ..settings.bounds import PositiveInt, Size
from .init import truncated_normal_

STD = 0.02
"""Standard deviation of the fusions' matrices at initialisation."""


@settings
class NHot:
    """Which substrings a token has, and how they are combined with its embedding."""

    fusion: Literal["add", "gate", "attention", "frequency"] = "add"
    """`add`: the sum of the parts, as in the paper; `gate`: the sum times a gate per dimension, computed from both;
    `attention`: their mean by the token's attention; `frequency`: the sum times a gate that depends on how frequent the
    token is."""
    min_length: Size = 2
    """Fewest characters of a part, not counting the word-boundary mark."""
    max_length: Size = 16
    """Most characters of a part."""
    max_substrings: Size = 32
    """Maximum number of parts per token; the longest are kept."""
    boundaries: bool = True
    """Whether a word-initial part matches only at the start of a word-initial token."""
    width: Size | None = None
    """Width of the vectors of parts, which a learned matrix takes to the model's; null for the model's own."""
    max_count: PositiveInt | None = None
    """Only tokens that the training text has at most so often have parts; null for all."""

    @model_validator(mode="after")
    def _check(self) -> "NHot":
        if self.min_length > self.max_length:
            raise ValueError(f"nhot.min_length={self.min_length} must be at most nhot.max_length={self.max_length}")
        return self

    def build(self, vocabulary_size: int, hidden: int) -> "Parts":
        """The module, without parts until `fill`."""
        return Parts(self, vocabulary_size, hidden)


class Parts(nn.Module):
    """The module of `NHot`: a table of part embeddings, initially zero, and a fusion.

    It is created without parts; `fill` or a loaded state provides them. They are buffers, saved with the weights.
    """

    offsets: Tensor
    parts: Tensor
    frequency: Tensor

    def __init__(self, settings: NHot, vocabulary_size: int, hidden: int):
        super().__init__()
        self.settings = settings
        self.table = nn.EmbeddingBag(vocabulary_size, settings.width or hidden, mode="sum")
        self.projection = nn.Linear(settings.width, hidden, bias=False) if settings.width else None
        self.fusion = FUSIONS[settings.fusion](hidden)
        self.register_buffer("offsets", torch.zeros(vocabulary_size + 1, dtype=torch.int64))
        self.register_buffer("parts", torch.zeros(0, dtype=torch.int32))
        self.register_buffer("frequency", torch.zeros(vocabulary_size))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """No parts, and a zero table, so that training starts from the same function as without n-hot embeddings."""
        for buffer in self.buffers():
            buffer.zero_()
        self.table.weight.zero_()
        if self.projection is not None:  # keeps the size of what it is given
            truncated_normal_(self.projection.weight, self.projection.in_features**-0.5, generator)
        for name, parameter in self.fusion.named_parameters():
            if parameter.ndim == 2:
                truncated_normal_(parameter, STD, generator)
            else:
                parameter.fill_(-1.0 if name == "slope" else 0.0)

    def fill(self, offsets: Tensor, parts: Tensor, counts: Tensor) -> None:
        """Set the parts of every entry.

        offsets: [V + 1] integers, where each entry's parts begin and end in `parts` [P], ids.
        counts: [V], frequency of each entry in the text; kept as log(1 + count), standardised, and compared with
        `max_count`.
        """
        device, logarithm = self.offsets.device, counts.double().log1p()
        spread = logarithm.std(correction=0).clamp(min=1e-6)
        if self.settings.max_count is not None:
            sizes, rare = offsets.diff(), counts <= self.settings.max_count  # [V]
            parts = parts[rare.repeat_interleave(sizes)]
            offsets = F.pad((sizes * rare).cumsum(0), (1, 0))
        self.offsets, self.parts = offsets.long().to(device), parts.int().to(device)
        self.frequency = ((logarithm - logarithm.mean()) / spread).float().to(device)

    @torch._disable_dynamo  # torch.compiler.disable would import the compiler at once
    def forward(self, tokens: Tensor, embedding: nn.Embedding) -> Tensor:
        """tokens [B, L] int64 → [B, L, D] float32.

        Not compiled: the number of distinct tokens varies from batch to batch, the shape of the result does not.
        """
        distinct, place = tokens.unique(return_inverse=True)  # [U], [B, L]
        begins = self.offsets[distinct]
        sizes = self.offsets[distinct + 1] - begins  # [U]
        starts = sizes.cumsum(0) - sizes
        owner = torch.arange(len(distinct), device=tokens.device).repeat_interleave(sizes)  # [P]
        ids = self.parts[torch.arange(len(owner), device=tokens.device) + (begins - starts)[owner]].long()  # [P]
        bags = Bags(ids, owner, starts, self.frequency[distinct], self.table.weight, self.projection)
        return F.embedding(place, self.fusion(embedding(distinct), bags))

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        """The state determines the number of parts."""
        if f"{prefix}parts" in state:
            self.parts = self.parts.new_zeros(len(state[f"{prefix}parts"]))
        super()._load_from_state_dict(state, prefix, *rest)


@dataclass(frozen=True)
class Bags:
    """The parts of U tokens, concatenated."""

    ids: Tensor
    """[P] int64."""
    owner: Tensor
    """[P] int64, from 0 to U − 1, ascending."""
    starts: Tensor
    """[U] int64, index of each token's first part."""
    frequency: Tensor
    """[U] float32, standardised log frequency of the token."""
    table: Tensor
    """[V, W] float32, the part embeddings."""
    projection: nn.Module | None
    """[W] → [D], where their width is not the model's."""

    def each(self) -> Tensor:
        """The vector of each part, [P, D]."""
        return self._projected(F.embedding(self.ids, self.table))

    def sum(self, weights: Tensor | None = None) -> Tensor:
        """The sum of each token's parts, [U, D], weighted by `weights` [P]; 0 for a token without parts."""
        return self._projected(
            F.embedding_bag(self.ids, self.table, self.starts, mode="sum", per_sample_weights=weights)
        )

    def _projected(self, vectors: Tensor) -> Tensor:
        found: Tensor = vectors if self.projection is None else self.projection(vectors)
        return found

    def softmax(self, scores: Tensor) -> Tensor:
        """Softmax of scores [P] float32 within each token's parts."""
        # the maximum is subtracted before exp, as in any stable softmax; it cancels, so it needs no gradient
        top = scores.new_zeros(len(self.starts)).scatter_reduce(
            0, self.owner, scores.detach(), "amax", include_self=False
        )
        powers = (scores - top[self.owner]).exp()
        totals = torch.zeros_like(top).index_add(0, self.owner, powers)  # [U]
        return powers / totals[self.owner]


class Add(nn.Module):
    """e + Σ p."""

    def __init__(self, hidden: int):
        super().__init__()

    def forward(self, own: Tensor, bags: Bags) -> Tensor:
        """Embeddings [U, D] and parts → [U, D]; the interface of all fusions."""
        return own + bags.sum()


class Gate(nn.Module):
    """e + sigmoid(W [e, Σ p] + b) · Σ p, dimension by dimension."""

    def __init__(self, hidden: int):
        super().__init__()
        self.gate = nn.Linear(2 * hidden, hidden)

    def forward(self, own: Tensor, bags: Bags) -> Tensor:
        whole = bags.sum()
        return own + self.gate(torch.cat([own, whole], dim=-1)).sigmoid() * whole


class Attention(nn.Module):
    """e + Σ softmax((W e + b) · p / sqrt(D)) p."""

    def __init__(self, hidden: int):
        super().__init__()
        self.query = nn.Linear(hidden, hidden)

    def forward(self, own: Tensor, bags: Bags) -> Tensor:
        queries = self.query(own) * own.shape[-1] ** -0.5  # [U, D]
        scores = (F.embedding(bags.owner, queries) * bags.each()).sum(-1)  # [P]
        return own + bags.sum(bags.softmax(scores))


class Frequency(nn.Module):
    """e + sigmoid(slope · frequency + b) · Σ p, per dimension; initially rare tokens rely more on their parts."""

    def __init__(self, hidden: int):
        super().__init__()
        self.slope = nn.Parameter(torch.empty(hidden))
        self.bias = nn.Parameter(torch.empty(hidden))

    def forward(self, own: Tensor, bags: Bags) -> Tensor:
        return own + (bags.frequency[:, None] * self.slope + self.bias).sigmoid() * bags.sum()


FUSIONS: dict[str, type[nn.Module]] = {"add": Add, "gate": Gate, "attention": Attention, "frequency": Frequency}


def embed(tokens: Tensor, embedding: nn.Embedding, parts: nn.Module | None) -> Tensor:
    """tokens [B, L] int64 → [B, L, D]: their embeddings, combined with their parts if there is a `Parts` module.

    Floating-point numbers are such vectors already.
    """
    if tokens.is_floating_point():
        return tokens
    return embedding(tokens) if parts is None else parts(tokens, embedding)
