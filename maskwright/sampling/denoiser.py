"""The two models behind a sampler: a denoiser, which predicts masked tokens, and a remasker, which detects wrong ones.

Shapes: B rows, L positions, N queried positions, V tokens. Only rows with a queried position go through a model, and
only the queried positions through its head, a few thousand at a time, so that logits stay small.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from ..noise import inverse_cdf, token_probs
from ..objectives.base.detector import CorruptionDetector
from ..objectives.diffusion.mixed import NONE_RANDOM, Line
from ..prediction import CHUNK, logits_in_chunks
from ..settings.schedule import Scheduled, sums, value
from ..text.tokenizers.vocabulary import Vocabulary
from .growing import GrowingTexts, reach

Score = Callable[[Tensor, Tensor, Tensor], Tensor]
"""How certain a model is at N positions, [N], higher is more certain; computed from its probabilities [N, V], the
tokens sampled from them [N] and the tokens in its input [N]."""


def confidence(p: Tensor, sampled: Tensor, seen: Tensor) -> Tensor:
    """The probability of the sampled token."""
    return p.gather(1, sampled[:, None])[:, 0]


def margin(p: Tensor, sampled: Tensor, seen: Tensor) -> Tensor:
    """The probability of the best token minus that of the second best."""
    best = p.topk(2).values
    return best[:, 0] - best[:, 1]


def entropy(p: Tensor, sampled: Tensor, seen: Tensor) -> Tensor:
    """Minus the entropy, in nats, so that higher is more certain."""
    return -torch.special.entr(p).sum(1)


def kept(p: Tensor, sampled: Tensor, seen: Tensor) -> Tensor:
    """The probability of the token in the input, which for a mask is 0."""
    return p.gather(1, seen[:, None])[:, 0]


SCORES: dict[str, Score] = {score.__name__: score for score in (confidence, margin, entropy, kept)}


@dataclass(frozen=True)
class Prediction:
    """What a denoiser predicts at some positions of B rows."""

    tokens: Tensor
    """[B, L] int64, the sampled tokens; elsewhere the input."""
    confidence: Tensor
    """[B, L] float32, the probability of each, before temperature, top-k and top-p; elsewhere 0."""
    score: Tensor
    """[B, L] float32, the requested score of `SCORES`; elsewhere 0."""


@dataclass(frozen=True)
class Denoiser:
    """A model that predicts masked tokens, and how tokens are sampled from it."""

    model: nn.Module
    vocabulary: Vocabulary
    shift: int = 0
    """How many positions before a masked token it is predicted: 1 for models trained by MNTP or causally."""
    temperature: Scheduled[float] = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seen: Tensor | None = None
    """[L, L] bool, True where a position (first) may attend to another; none where all attend to all. What nothing
    queried sees is not computed, and the keys and values of what no longer changes are kept."""
    keep_keys: bool = True
    """Whether they are kept; the texts are the same without, and slower."""
    allow_sep: bool = False
    """Whether [SEP] may be sampled, which ends a text."""
    allow_pad: bool = False
    """Whether [PAD] may be sampled, which leaves a place empty."""
    guidance: float = 0.0
    """w of classifier-free guidance: logits are (1 + w) · those with the prompt − w · those with the prompt masked."""
    prompt: Tensor | None = None
    """[L] bool, what is masked for them: unsupervised guidance of Nie et al. 2024, "Scaling up masked diffusion models
    on text" (arXiv 2410.18514)."""

    line: Line = NONE_RANDOM
    """The share of random tokens over the noise that the model was trained with."""

    def __post_init__(self) -> None:
        if self.guidance and (self.prompt is None or not self.prompt.any()):
            raise ValueError(f"guidance={self.guidance:g} is towards a prompt: give --prompt")
        coldest = min(sums(self.temperature))
        if coldest < 0 or self.top_k < 0 or not 0 < self.top_p <= 1:
            raise ValueError(
                f"temperature={coldest:g}, top_k={self.top_k}, top_p={self.top_p:g}: "
                "temperature and top_k are at least 0, top_p is in (0, 1]"
            )

    def sample_tokens(
        self,
        tokens: Tensor,
        where: Tensor,
        u: Tensor,
        score: str = "confidence",
        progress: float = 0.0,
        final: int = 0,
        rows: Tensor | None = None,
    ) -> Prediction:
        """Sample a token at each position of `where`, [B, L] bool, from uniform numbers `u`, [B, L] float64 in [0, 1).

        progress: the share of the steps that is done, in [0, 1], for the temperature.
        final: how many positions, from the first on, no longer change.
        rows: [B] int64, which of the texts these are, so that what is kept of them is found; by default all.
        Special tokens are never sampled, except [SEP] with `allow_sep` and [PAD] with `allow_pad`.
        """
        sampled, certain, scored = tokens.clone(), torch.zeros(tokens.shape), torch.zeros(tokens.shape)
        parts, temperature = [], value(self.temperature, progress)
        for scores, seen, draws in self._guided(tokens, where, final, rows, tokens[where], u[where]):
            scores[:, self._never.to(scores.device)] = -torch.inf
            p = token_probs(scores)
            plain = (temperature, self.top_k, self.top_p) == (1, 0, 1)
            best = inverse_cdf(p if plain else token_probs(scores, temperature, self.top_k, self.top_p), draws)
            parts.append((best, confidence(p, best, seen).float(), SCORES[score](p, best, seen).float()))
        if parts:
            sampled[where], certain[where], scored[where] = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
        return Prediction(sampled, certain, scored)

    def _guided(
        self, tokens: Tensor, where: Tensor, final: int, rows: Tensor | None, *columns: Tensor
    ) -> Iterator[tuple[Tensor, ...]]:
        """As `logits_at`, with guidance."""
        if self._growing is None or not where.any():
            asked = logits_at(self.model, tokens, where, self.shift, self.seen, *columns)
        else:
            rows = torch.arange(len(tokens)) if rows is None else rows
            hidden = self._growing.hidden_at(self.model, tokens, where, self.shift, final, rows)
            asked = _scored(self.model, hidden, *columns)
        if not self.guidance:
            yield from asked
            return
        assert self.prompt is not None
        bare = tokens.masked_fill(self.prompt, self.vocabulary.mask)
        without = logits_at(self.model, bare, where, self.shift, self.seen)
        for (scores, *rest), (other,) in zip(asked, without, strict=True):
            other = other.clamp(min=torch.finfo(other.dtype).min)  # what neither of both allows stays impossible
            yield scores + self.guidance * (scores - other), *rest

    @cached_property
    def _growing(self) -> GrowingTexts | None:
        """What is kept of the texts so far, where the model can."""
        able = self.seen is not None and self.keep_keys and getattr(self.model, "takes_cache", False)
        return GrowingTexts(self.seen) if self.seen is not None and able else None

    @cached_property
    def _never(self) -> Tensor:
        """[V] bool, the tokens that are never sampled."""
        never = torch.from_numpy(self.vocabulary.is_special.copy())
        never[self.vocabulary.sep] = not self.allow_sep
        never[self.vocabulary.pad] = not self.allow_pad
        return never


@dataclass(frozen=True)
class Remasker:
    """A model that detects wrong tokens."""

    model: nn.Module
    objective: CorruptionDetector
    vocabulary: Vocabulary

    def p_wrong(self, tokens: Tensor, where: Tensor) -> Tensor:
        """[B, L] float32, the probability that a token is wrong, at `where`, [B, L] bool; elsewhere 0."""
        found = torch.zeros(tokens.shape)
        parts = [
            self.objective.p_corrupted(scores, seen, self.vocabulary).cpu()
            for scores, seen in logits_at(self.model, tokens, where, 0, None, tokens[where])
        ]
        if parts:
            found[where] = torch.cat(parts)
        return found


@torch.no_grad()
def logits_at(
    model: nn.Module, tokens: Tensor, where: Tensor, shift: int, seen: Tensor | None, *columns: Tensor
) -> Iterator[tuple[Tensor, ...]]:
    """The logits [n, V] float32 at `where`, [B, L] bool, with the same positions of the columns, [N]."""
    rows = where.any(1)
    if not rows.any():
        return
    device = next(model.parameters()).device
    asked = torch.nonzero(where[rows].flatten())[:, 0] - shift
    given = (tokens[rows], None, None, asked) if seen is None else _before(tokens[rows], asked, seen)
    hidden = model(*(None if part is None else part.to(device) for part in given))  # [N, D]
    yield from _scored(model, hidden, *columns)


def _scored(model: nn.Module, hidden: Tensor, *columns: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The logits [n, V] float32 of vectors [N, D], with the columns, [N]."""
    parts = (column.to(hidden.device).split(CHUNK) for column in columns)
    yield from zip(logits_in_chunks(model, hidden), *parts, strict=True)


def _before(tokens: Tensor, asked: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, None, Tensor]:
    """The rows up to the last position that a queried one sees, their attention mask, and the queried positions.

    tokens: [B, L].  asked: [N] int64, positions in the flattened [B · L].  seen: [L, L] bool.
    """
    row, place = asked // tokens.shape[1], asked % tokens.shape[1]
    width = int(reach(seen)[place].max()) + 1
    one_each = len(asked) == len(tokens)  # then only that query is computed in the last layer
    where = place[:, None] if one_each else row * width + place
    return tokens[:, :width], seen[:width, :width].expand(len(tokens), 1, -1, -1), None, where
