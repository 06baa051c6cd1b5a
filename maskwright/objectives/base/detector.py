"""What detectors of wrong tokens share: how a text is corrupted, and what a position says of the token that it sees.

Shapes: B rows, L positions, N places, V tokens.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ...attention import BOTH
from ...data.rows import Rows
from ...masking.select import IGNORE, count, select_tokens
from ...noise import Noise, inverse_cdf, low_discrepancy, token_probs
from ...settings import settings
from ...settings.schedule import Ratio, value
from ...text.shards.shards import Shards
from ...text.tokenizers.vocabulary import Vocabulary
from .live import unbuilt
from .objective import Objective, OpenRun, no_runs
from .problem import Problem, TokenScorer

Weight = Annotated[float, Field(ge=0)]


@settings
class Mixture:
    """The weights of the kinds of errors; a row has one kind."""

    random: Weight = 0.0
    """Another token, drawn anew for each position."""
    fragment: Weight = 0.0
    """What another row of the text has there."""
    synthetic: Weight = 0.0
    """What a trained model puts behind a mask."""

    def __post_init__(self) -> None:
        if not sum(vars(self).values()):
            raise ValueError("random, fragment and synthetic are all 0: give at least one kind of error a weight")


@settings
class CorruptionDetector(Objective, ABC):
    """Some tokens are replaced by others, and every position judges its own."""

    ratio: Ratio = 0.3
    """The share of the tokens that are replaced, or a schedule of it; one replaced by itself is not wrong."""
    ratio_per_row: Literal["fixed", "uniform"] = "uniform"
    """Whether every row has this ratio, or each row draws its own, uniform between 0 and `ratio`."""
    corruption: Mixture = Mixture(random=1.0)
    """What stands there: `{random: 3, fragment: 1}`."""
    generator_run: str | TokenScorer | None = None
    """The folder of the run whose model makes synthetic errors: one that names hidden tokens, as diffusion does."""
    temperature: Annotated[float, Field(gt=0)] = 0.8
    """The temperature at which it does."""

    def __post_init__(self) -> None:
        if self.corruption.synthetic and not self.generator_run:
            raise ValueError("corruption synthetic needs generator_run=DIR, a run whose model guesses hidden tokens")

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"detect"})

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with the generator's model in place of the folder of its run, where it makes errors."""
        if not (isinstance(self.generator_run, str) and self.corruption.synthetic):
            return self
        return replace(self, generator_run=open_run(self.generator_run))

    @abstractmethod
    def labels(self, rows: Rows, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Targets [B, L] int64 or IGNORE, and weights [B, L] float32, for what is seen, `inputs` [B, L]."""

    @abstractmethod
    def p_corrupted(self, scores: Tensor, seen: Tensor, vocabulary: Vocabulary) -> Tensor:
        """[N] float32, the probability that tokens are wrong; scores: [N, V] float32, seen: [N] int64."""

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """CorruptionDetector tokens at the chosen positions."""
        inputs = self.corrupted(rows, noise)
        return Problem(inputs, *self.labels(rows, inputs), torch.full_like(rows.ids, BOTH))

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """One question: how right the text looks as it stands."""
        targets, weights = self.labels(rows, rows.tokens)
        if (targets != IGNORE).any():
            yield Problem(rows.tokens.clone(), targets, weights, torch.full_like(rows.ids, BOTH))

    def corrupted(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] int64, the rows with wrong tokens; each row has one kind of them."""
        chosen, others, kinds = self.chosen(rows, noise), rows.tokens.clone(), self._kinds(noise)
        for number, replaced in enumerate(KINDS.values()):
            if len(mine := torch.nonzero(kinds == number)[:, 0]):
                part = noise[mine]
                others[mine] = replaced(self, rows[mine], part, chosen[mine])
        return torch.where(chosen, others, rows.tokens)

    def chosen(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] bool, where a token is replaced, be it by itself."""
        known = count(rows.word.numpy())
        per_row = low_discrepancy(noise, "level") if self.ratio_per_row == "uniform" else np.ones(len(rows))
        mask_ratio = value(self.ratio, rows.progress) * per_row  # [B]
        many = np.minimum(mask_ratio * known + noise.uniform("budget", 1).numpy()[:, 0], known).astype(np.int64)
        return torch.from_numpy(select_tokens(rows.word.numpy(), many, np.zeros_like(many), noise.keys("select"))) > 0

    def _kinds(self, noise: Noise) -> Tensor:
        """[B] int64, the kind of errors of each row."""
        weights = np.array([getattr(self.corruption, name) for name in KINDS], np.float64)
        ladder = torch.from_numpy(weights.cumsum() / weights.sum())
        return torch.searchsorted(ladder, noise.uniform("kind", 1)[:, 0].double(), right=True)

    def generate(self, inputs: Tensor, document: Tensor, asked: Tensor) -> Tensor:
        """[N, V] float32, the generator's scores at the `asked` masks, as a `TokenScorer` gives them."""
        if self.generator_run is None or isinstance(self.generator_run, str):
            raise unbuilt(self)
        return self.generator_run(inputs, document, asked)


def random(objective: CorruptionDetector, rows: Rows, noise: Noise, chosen: Tensor) -> Tensor:
    """[B, L] int64, ordinary tokens, each as likely, a draw for each position."""
    ordinary = torch.from_numpy(rows.vocabulary.ordinary)
    return ordinary[noise.below(len(ordinary), "other", rows.tokens.shape[1])]


def fragment(objective: CorruptionDetector, rows: Rows, noise: Noise, chosen: Tensor) -> Tensor:
    """[B, L] int64, what another row has there; a random token where it has no text. Raises ValueError without rows."""
    if rows.source is None:
        raise ValueError("corruption fragment takes tokens of other rows, and this text has none: use random")
    tokens, document, word = torch.empty_like(rows.tokens), torch.empty_like(rows.word), torch.empty_like(rows.word)
    others = noise.below(len(rows.source), "fragment", 1)[:, 0]
    rows.source.gather(others.numpy(), tokens.numpy(), document.numpy(), word.numpy())
    return torch.where(word > 0, tokens, random(objective, rows, noise, chosen))


def synthetic(objective: CorruptionDetector, rows: Rows, noise: Noise, chosen: Tensor) -> Tensor:
    """[B, L] int64, where chosen what the generator puts behind a mask, by chance at the objective's temperature."""
    asked, others = torch.nonzero(chosen.flatten())[:, 0], rows.tokens.clone()
    if len(asked):
        scores = objective.generate(torch.where(chosen, rows.vocabulary.mask, rows.tokens), rows.document, asked)
        scores = scores.masked_fill(torch.from_numpy(rows.vocabulary.is_special), -torch.inf)
        luck = noise.uniform("synthetic", rows.tokens.shape[1])[chosen]
        others[chosen] = inverse_cdf(token_probs(scores, objective.temperature), luck)
    return others


KINDS = {"random": random, "fragment": fragment, "synthetic": synthetic}


def detector(objective: Objective) -> CorruptionDetector | None:
    """The detector of wrong tokens that an objective is or holds."""
    if isinstance(objective, CorruptionDetector):
        return objective
    return next((found for part in objective.sub_objectives.values() if (found := detector(part))), None)
