"""What a model says of each token of a text: its log-probability, its rank, and the entropy of the distribution.

Every backend is served: each question knows the token that it asks for. Where a token is asked for more than once, as
by a bound of diffusion, its log-probability is the weighted sum, as in the score of the text, and its rank and entropy
are weighted means.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .scorer import Encoded, Scorer, Text
from .windows import Windows


@dataclass(frozen=True)
class TokenScores:
    """Of the T tokens of a text. NaN for special and unknown tokens, which are not scored."""

    ids: np.ndarray
    """[T] int64."""
    log_prob: np.ndarray
    """[T] float64 in nats; they add up to the log-likelihood of the text."""
    rank: np.ndarray
    """[T] float64, 1 for the likeliest token of the vocabulary."""
    entropy: np.ndarray
    """[T] float64 in nats, of the distribution over the vocabulary."""


def by_token(scorer: Scorer, texts: Sequence[str], windows: Windows | None = None) -> list[TokenScores]:
    """The scores of the tokens of each text.

    windows: how to split longer texts; without it one that is longer than the model's maximum raises ValueError.
    """
    encoded = scorer.encode([Text(text) for text in texts])
    rows = [scorer.fit(Text(text), *each, windows) for text, each in zip(texts, encoded, strict=True)]
    found = iter(_of_rows(scorer, [row for some in rows for row in some]))
    return [_joined(whole, [next(found) for _ in some]) for whole, some in zip(encoded, rows, strict=True)]


def _joined(whole: Encoded, parts: Sequence[np.ndarray]) -> TokenScores:
    """The numbers of a text, [3, N] of the scored tokens of each row that it was read in."""
    ids, word = whole
    numbers = np.full((3, len(ids)), np.nan)
    numbers[:, word > 0] = np.concatenate(parts, axis=1)
    return TokenScores(ids[1:-1], *numbers[:, 1:-1])


def _of_rows(scorer: Scorer, rows: list[Encoded]) -> list[np.ndarray]:
    """For each row [3, N] float64: log-probability, rank and entropy of the tokens that are scored in it."""
    begins = np.cumsum([0, *(len(ids) for ids, _ in rows)])
    sums = np.zeros((4, begins[-1]))
    for shared, numbers in scorer.answers(rows, _measure):
        weight = shared.weight.double().numpy()
        place = begins[shared.row.numpy()] + shared.place.numpy()
        sums += [np.bincount(place, part * weight, begins[-1]) for part in (*numbers, np.ones_like(weight))]
    lost, rank, entropy, asked = sums
    asked[asked == 0] = np.nan
    each = np.split(np.stack([-lost, rank / asked, entropy / asked]), begins[1:-1], axis=1)
    return [numbers[:, word > 0] for numbers, (_, word) in zip(each, rows, strict=True)]


def _measure(logits: Tensor, context: Tensor, target: Tensor) -> Tensor:
    """[3, n] −ln p, rank and entropy of the targets."""
    log_probs = logits.float().log_softmax(-1)
    entropy = torch.special.entr(log_probs.exp()).sum(-1)[context]
    own = log_probs[context, target]
    rank = 1 + (log_probs[context] > own[:, None]).sum(-1)
    return torch.stack([-own, rank.float(), entropy])
