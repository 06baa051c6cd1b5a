"""The two models behind a sampler: one says what could stand behind a mask, the other judges what stands there.

Shapes: B rows, L positions, N places asked, V tokens. Only rows in which something is asked go through a model, and
only the asked places through its head, some thousand at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from ..noise import inverse_cdf, token_probs
from ..objectives.base.detector import CorruptionDetector
from ..prediction import CHUNK, logits_in_chunks
from ..text.tokenizers.vocabulary import Vocabulary

Score = Callable[[Tensor, Tensor, Tensor], Tensor]
"""How sure a model is of N places, [N], higher for surer; of its probabilities [N, V], the tokens drawn from them [N]
and the tokens seen there [N]."""


def confidence(chance: Tensor, said: Tensor, seen: Tensor) -> Tensor:
    """The probability of the token drawn."""
    return chance.gather(1, said[:, None])[:, 0]


def margin(chance: Tensor, said: Tensor, seen: Tensor) -> Tensor:
    """The lead of the best token over the second."""
    best = chance.topk(2).values
    return best[:, 0] - best[:, 1]


def entropy(chance: Tensor, said: Tensor, seen: Tensor) -> Tensor:
    """Minus the entropy, in nats."""
    return -torch.special.entr(chance).sum(1)


def kept(chance: Tensor, said: Tensor, seen: Tensor) -> Tensor:
    """The probability of the token seen, which for a mask is 0."""
    return chance.gather(1, seen[:, None])[:, 0]


SCORES: dict[str, Score] = {score.__name__: score for score in (confidence, margin, entropy, kept)}


@dataclass(frozen=True)
class Prediction:
    """What a model says of some places of B rows."""

    tokens: Tensor
    """[B, L] int64, the tokens drawn; elsewhere those that stood there."""
    confidence: Tensor
    """[B, L] float32, the probability of each before temperature and cuts; elsewhere 0."""
    score: Tensor
    """[B, L] float32, the score that was asked for; elsewhere 0."""


@dataclass(frozen=True)
class Denoiser:
    """A model that names hidden tokens, and how its tokens are drawn."""

    model: nn.Module
    vocabulary: Vocabulary
    shift: int = 0
    """How many positions before a hidden token it is named."""
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seen: Tensor | None = None
    """[L, L] bool, True where a position (first) sees another, never one behind it; none where all see all. With it,
    each row is asked about one place at a time."""
    allow_sep: bool = False
    """Whether [SEP] may be drawn."""

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.top_k < 0 or not 0 < self.top_p <= 1:
            raise ValueError(
                f"temperature={self.temperature:g}, top_k={self.top_k}, top_p={self.top_p:g}: "
                "temperature and top_k are at least 0, top_p is in (0, 1]"
            )

    def sample_tokens(self, tokens: Tensor, where: Tensor, u: Tensor, score: str = "confidence") -> Prediction:
        """Draw a token for each place of `where`, [B, L] bool, by `u`, [B, L] float64 in [0, 1).

        Special tokens are never drawn, but [SEP] where it `ends` a text.
        """
        said, sure, scored = tokens.clone(), torch.zeros(tokens.shape), torch.zeros(tokens.shape)
        parts = []
        asked = answers(self.model, tokens, where, self.shift, self.seen, tokens[where], u[where])
        for scores, seen, draws in asked:
            scores[:, self._never.to(scores.device)] = -torch.inf
            chance = token_probs(scores)
            plain = (self.temperature, self.top_k, self.top_p) == (1, 0, 1)
            best = inverse_cdf(
                chance if plain else token_probs(scores, self.temperature, self.top_k, self.top_p), draws
            )
            parts.append((best, confidence(chance, best, seen).float(), SCORES[score](chance, best, seen).float()))
        if parts:
            said[where], sure[where], scored[where] = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
        return Prediction(said, sure, scored)

    @cached_property
    def _never(self) -> Tensor:
        """[V] bool, the tokens that are never drawn."""
        never = torch.from_numpy(self.vocabulary.is_special.copy())
        never[self.vocabulary.sep] = not self.allow_sep
        return never


@dataclass(frozen=True)
class Remasker:
    """A model that finds wrong tokens."""

    model: nn.Module
    objective: CorruptionDetector
    vocabulary: Vocabulary

    def p_wrong(self, tokens: Tensor, where: Tensor) -> Tensor:
        """[B, L] float32, P(wrong) at the places of `where`, [B, L] bool; elsewhere 0."""
        found = torch.zeros(tokens.shape)
        parts = [
            self.objective.p_corrupted(scores, seen, self.vocabulary).cpu()
            for scores, seen in answers(self.model, tokens, where, 0, None, tokens[where])
        ]
        if parts:
            found[where] = torch.cat(parts)
        return found


@torch.no_grad()
def answers(
    model: nn.Module, tokens: Tensor, where: Tensor, shift: int, seen: Tensor | None, *columns: Tensor
) -> Iterator[tuple[Tensor, ...]]:
    """The scores [n, V] float32 of the places of `where`, [B, L] bool, and what the columns, [N], say of these."""
    rows = where.any(1)
    if not rows.any():
        return
    device = next(model.parameters()).device
    asked = torch.nonzero(where[rows].flatten())[:, 0] - shift
    given = (tokens[rows], None, None, asked) if seen is None else _before(tokens[rows], asked, seen)
    hidden = model(*(None if part is None else part.to(device) for part in given))  # [N, D]
    parts = (column.to(device).split(CHUNK) for column in columns)
    yield from zip(logits_in_chunks(model, hidden), *parts, strict=True)


def _before(tokens: Tensor, asked: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, None, Tensor]:
    """The rows up to the last place that is asked, who sees whom in them, and the place of each; nothing is behind it.

    tokens: [B, L].  asked: [B] int64, a place of each row in the flattened [B · L].  seen: [L, L] bool.
    """
    assert len(asked) == len(tokens)
    place = asked[:, None] % tokens.shape[1]
    width = int(place.max()) + 1
    return tokens[:, :width], seen[:width, :width].expand(len(tokens), 1, -1, -1), None, place
