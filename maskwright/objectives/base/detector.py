"""What detectors of corrupted tokens share: how a text is corrupted and how a position classifies its own token.

Shapes: B rows, L positions, N target positions, V tokens.
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
    """The weights of the kinds of corruption. Each row gets one kind."""

    random: Weight = 0.0
    """A random token, drawn for each position."""
    fragment: Weight = 0.0
    """The token at the same position of another row."""
    synthetic: Weight = 0.0
    """A token sampled from a trained model at a mask."""

    def __post_init__(self) -> None:
        if not sum(vars(self).values()):
            raise ValueError("random, fragment and synthetic are all 0: give at least one kind of corruption a weight")


@settings
class CorruptionDetector(Objective, ABC):
    """Some tokens are replaced by others, and every position says whether its own was."""

    ratio: Ratio = 0.3
    """The fraction of tokens that are replaced, or a schedule of it. A token replaced by itself counts as right."""
    ratio_per_row: Literal["fixed", "uniform"] = "uniform"
    """Whether every row has this ratio, or each row draws its own, uniform between 0 and `ratio`."""
    corruption: Mixture = Mixture(random=1.0)
    """What tokens are replaced by: `{random: 3, fragment: 1}`."""
    generator_run: str | TokenScorer | None = None
    """The folder of the run that makes synthetic corruptions; its model predicts masked tokens, as diffusion does."""
    temperature: Annotated[float, Field(gt=0)] = 0.8
    """The temperature at which that model is sampled."""

    def __post_init__(self) -> None:
        if self.corruption.synthetic and not self.generator_run:
            raise ValueError("corruption synthetic needs generator_run=DIR, a run whose model predicts masked tokens")

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"detect"})

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with the generator's model in place of its run's folder, where synthetic corruptions need it."""
        if not (isinstance(self.generator_run, str) and self.corruption.synthetic):
            return self
        return replace(self, generator_run=open_run(self.generator_run))

    @abstractmethod
    def labels(self, rows: Rows, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Targets [B, L] int64 or IGNORE, and weights [B, L] float32, for the corrupted `inputs` [B, L]."""

    @abstractmethod
    def p_corrupted(self, scores: Tensor, seen: Tensor, vocabulary: Vocabulary) -> Tensor:
        """[N] float32, the probability that tokens are wrong; scores: [N, V] float32, seen: [N] int64, those tokens."""

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """Replaced tokens at the chosen positions, and a label at every position."""
        inputs = self.corrupted(rows, noise)
        return Problem(inputs, *self.labels(rows, inputs), torch.full_like(rows.ids, BOTH))

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """One problem: how likely every token of the unchanged text is to be right."""
        targets, weights = self.labels(rows, rows.tokens)
        if (targets != IGNORE).any():
            yield Problem(rows.tokens.clone(), targets, weights, torch.full_like(rows.ids, BOTH))

    def corrupted(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] int64, the rows with replaced tokens, of one kind in each row."""
        chosen, others, kinds = self.chosen(rows, noise), rows.tokens.clone(), self._kinds(noise)
        for number, replaced in enumerate(KINDS.values()):
            if len(mine := torch.nonzero(kinds == number)[:, 0]):
                part = noise[mine]
                others[mine] = replaced(self, rows[mine], part, chosen[mine])
        return torch.where(chosen, others, rows.tokens)

    def chosen(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] bool, where a token is replaced, possibly by itself."""
        n_maskable = count(rows.word.numpy())
        per_row = low_discrepancy(noise, "level") if self.ratio_per_row == "uniform" else np.ones(len(rows))
        mask_ratio = value(self.ratio, rows.progress) * per_row  # [B]
        u = noise.uniform("budget", 1).numpy()[:, 0]  # rounds up or down so that the mean is exact
        budget = np.minimum(mask_ratio * n_maskable + u, n_maskable).astype(np.int64)
        return (
            torch.from_numpy(select_tokens(rows.word.numpy(), budget, np.zeros_like(budget), noise.keys("select"))) > 0
        )

    def _kinds(self, noise: Noise) -> Tensor:
        """[B] int64, the kind of corruption of each row."""
        weights = np.array([getattr(self.corruption, name) for name in KINDS], np.float64)
        cdf = torch.from_numpy(weights.cumsum() / weights.sum())
        return torch.searchsorted(cdf, noise.uniform("kind", 1)[:, 0].double(), right=True)

    def generate(self, inputs: Tensor, document: Tensor, target_positions: Tensor) -> Tensor:
        """[N, V] float32, the generator's logits at the masks, as a `TokenScorer` gives them."""
        if self.generator_run is None or isinstance(self.generator_run, str):
            raise unbuilt(self)
        return self.generator_run(inputs, document, target_positions)


def random(objective: CorruptionDetector, rows: Rows, noise: Noise, chosen: Tensor) -> Tensor:
    """[B, L] int64, ordinary tokens, uniform and independent."""
    ordinary = torch.from_numpy(rows.vocabulary.ordinary)
    return ordinary[noise.below(len(ordinary), "other", rows.tokens.shape[1])]


def fragment(objective: CorruptionDetector, rows: Rows, noise: Noise, chosen: Tensor) -> Tensor:
    """[B, L] int64, the tokens of another row; random where that has no text. Raises ValueError without other rows."""
    if rows.source is None:
        raise ValueError("corruption fragment takes tokens from other rows, and there are none here: use random")
    tokens, document, word = torch.empty_like(rows.tokens), torch.empty_like(rows.word), torch.empty_like(rows.word)
    others = noise.below(len(rows.source), "fragment", 1)[:, 0]
    rows.source.gather(others.numpy(), tokens.numpy(), document.numpy(), word.numpy())
    return torch.where(word > 0, tokens, random(objective, rows, noise, chosen))


def synthetic(objective: CorruptionDetector, rows: Rows, noise: Noise, chosen: Tensor) -> Tensor:
    """[B, L] int64, where chosen tokens sampled from the generator, at the objective's temperature."""
    target_positions, others = torch.nonzero(chosen.flatten())[:, 0], rows.tokens.clone()
    if len(target_positions):
        masked = torch.where(chosen, rows.vocabulary.mask, rows.tokens)
        scores = objective.generate(masked, rows.document, target_positions)
        scores = scores.masked_fill(torch.from_numpy(rows.vocabulary.is_special), -torch.inf)
        u = noise.uniform("synthetic", rows.tokens.shape[1])[chosen]  # by position, so that `chosen` shifts no draw
        others[chosen] = inverse_cdf(token_probs(scores, objective.temperature), u)
    return others


KINDS = {"random": random, "fragment": fragment, "synthetic": synthetic}


def detector(objective: Objective) -> CorruptionDetector | None:
    """The detector that an objective is or has inside it; None without one."""
    if isinstance(objective, CorruptionDetector):
        return objective
    return next((found for part in objective.sub_objectives.values() if (found := detector(part))), None)
