"""What detectors of corrupted tokens share: how a text is corrupted and how a position classifies its own token.

Shapes: B rows, L positions, N target positions, V tokens.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ...attention import BOTH
from ...data.rows import Rows
from ...masking.select import IGNORE, count, random_tiling, select_spans_cyclic, select_tokens
from ...noise import Noise, inverse_cdf, low_discrepancy, token_probs
from ...settings import settings
from ...settings.bounds import Size
from ...settings.schedule import Probability, Ratio, Scheduled, sums, value, whole
from ...text.shards.shards import Shards
from ...text.tokenizers.vocabulary import Vocabulary
from .live import unbuilt
from .objective import Objective, OpenRun, no_runs
from .problem import Problem, TokenScorer

COPIED = (
    "corruption wrong shows [WRONG] in the input, so that labels of wrong tokens are copied and nothing is detected: "
    "take objective remask with target=original, which learns to fill in what is marked [WRONG]"
)

Weight: TypeAlias = Scheduled[Annotated[float, Field(ge=0)]]


@settings
class Mixture:
    """The weights of the kinds of corruption, or schedules of them. Each row gets one kind."""

    random: Weight = 0.0
    """A random token, drawn for each position."""
    fragment: Weight = 0.0
    """The token at the same position of another row."""
    synthetic: Weight = 0.0
    """A token sampled from a trained model at a mask."""
    wrong: Weight = 0.0
    """[WRONG] itself: nothing is left to detect, so it is for learning to fill in what is known to be wrong."""

    def __post_init__(self) -> None:
        if not min(sums(*vars(self).values())):
            raise ValueError(f"{', '.join(vars(self))} are all 0: give at least one kind of corruption a weight")

    def uses(self, kind: str) -> bool:
        """Whether this kind of corruption ever has a weight."""
        return max(sums(getattr(self, kind))) > 0


@settings
class CorruptionDetector(Objective, ABC):
    """Some tokens are replaced by others, and every position says whether its own was."""

    needs_generator_run: ClassVar[bool] = True
    """Whether synthetic corruptions come from a finished run alone."""

    ratio: Ratio = 0.3
    """The fraction of tokens that are replaced, or a schedule of it. A token replaced by itself counts as right."""
    ratio_per_row: Literal["fixed", "uniform"] = "uniform"
    """Whether every row has this ratio, or each row draws its own, uniform between 0 and `ratio`."""
    corruption: Mixture = Mixture(random=1.0)
    """What tokens are replaced by: `{random: 3, fragment: 1}`."""
    wrong_labels: Literal["one", "by_kind"] = "one"
    """The label of wrong tokens: [WRONG], or by what replaced them [WRONG_RANDOM], [WRONG_FRAGMENT],
    [WRONG_SYNTHETIC], which `tokenizer.add` must name."""
    span_length: Scheduled[Size] = 1
    """Replaced tokens lie in spans of up to so many, or a schedule of it, chosen first; 1 for tokens anywhere."""
    span_density: Scheduled[Annotated[float, Field(gt=0, le=1)]] = 1.0
    """The share of the tokens of a chosen span that are replaced, or a schedule of it."""
    masked_ratio: Scheduled[Probability] = 0.0
    """The largest fraction of the other tokens that stay [MASK], as in the middle of sampling, or a schedule of it;
    each row draws its own, uniform between 0 and this. The generator sees them too."""
    judged: Literal["all", "replaced"] = "all"
    """Whether every unmasked token has a label, or only replaced ones, as those that a sampler has just written."""
    generator_run: str | TokenScorer | None = None
    """The folder of the run that makes synthetic corruptions; its model predicts masked tokens, as diffusion does."""
    temperature: Scheduled[Annotated[float, Field(gt=0)]] = 0.8
    """The temperature at which that model is sampled, or a schedule of it."""

    def __post_init__(self) -> None:
        if self.needs_generator_run and self.corruption.uses("synthetic") and not self.generator_run:
            raise ValueError("corruption synthetic needs generator_run=DIR, a run whose model predicts masked tokens")
        if (density := min(sums(self.span_density))) < 1 and max(sums(self.span_length)) == 1:
            raise ValueError(f"span_density={density:g} of spans of one token: give a span_length above 1")

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"detect"})

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with the generator's model in place of its run's folder, where synthetic corruptions need it."""
        if not (isinstance(self.generator_run, str) and self.corruption.uses("synthetic")):
            return self
        return replace(self, generator_run=open_run(self.generator_run))

    @abstractmethod
    def labels(self, rows: Rows, inputs: Tensor, wrong_label: Tensor) -> tuple[Tensor, Tensor]:
        """Targets [B, L] int64 or IGNORE, and weights [B, L] float32, for the corrupted `inputs` [B, L].

        wrong_label: [B, 1] int64, the label of the wrong tokens of a row.
        """

    @abstractmethod
    def p_corrupted(self, scores: Tensor, seen: Tensor, vocabulary: Vocabulary) -> Tensor:
        """[N] float32, the probability that tokens are wrong; scores: [N, V] float32, seen: [N] int64, those tokens."""

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """Replaced tokens at the chosen positions, and a label at every position."""
        inputs = self.corrupted(rows, noise)
        judged = inputs != rows.vocabulary.mask
        if self.judged == "replaced":
            judged &= self.chosen(rows, noise)
        labels = self.labels(replace(rows, word=rows.word * judged), inputs, self.wrong_label(rows, noise))
        return Problem(inputs, *labels, torch.full_like(rows.ids, BOTH))

    @property
    def reads_masks(self) -> bool:
        """Whether it judges texts that still have masks; else it reads them with every mask filled in."""
        return max(sums(self.masked_ratio)) > 0

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """One problem: how likely every token of the unchanged text is to be right."""
        targets, weights = self.labels(rows, rows.tokens, torch.full_like(rows.ids[:, None], IGNORE))
        if (targets != IGNORE).any():
            yield Problem(rows.tokens.clone(), targets, weights, torch.full_like(rows.ids, BOTH))

    def corrupted(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] int64, the rows with replaced tokens, of one kind in each row, and with masks."""
        chosen, kinds = self.chosen(rows, noise), self._kinds(noise, rows.progress)
        if self.reads_masks:
            hidden = self._hidden(rows, noise, chosen)
            rows = replace(rows, tokens=rows.tokens.where(~hidden, rows.vocabulary.mask))
        others = rows.tokens.clone()
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
        longest = whole(self.span_length, rows.progress)
        among = rows.word.numpy() if longest == 1 else self._spans(rows, noise, budget, longest)
        return torch.from_numpy(select_tokens(among, budget, np.zeros_like(budget), noise.keys("select"))) > 0

    def _hidden(self, rows: Rows, noise: Noise, chosen: Tensor) -> Tensor:
        """[B, L] bool, which of the others stay masked."""
        others = (rows.word * ~chosen).numpy()
        u = noise.uniform("masked ratio", 2).double().numpy()  # the second rounds up or down
        budget = (u[:, 0] * value(self.masked_ratio, rows.progress) * count(others) + u[:, 1]).astype(np.int64)
        budget = np.minimum(budget, count(others))
        return torch.from_numpy(select_tokens(others, budget, np.zeros_like(budget), noise.keys("stay masked"))) > 0

    def _spans(self, rows: Rows, noise: Noise, budget: np.ndarray, longest: int) -> np.ndarray:
        """[B, L] int32, above 0 in spans that hold each row's `budget` of replaced tokens at their density."""
        wide = np.ceil(budget / value(self.span_density, rows.progress)).astype(np.int64)
        tiles = random_tiling(rows.word.numpy(), noise.keys("tiles"), longest)
        wide = np.minimum(wide, count(tiles))
        return select_spans_cyclic(tiles, wide, np.zeros_like(wide), noise.keys("spans"), False, False)

    def _kinds(self, noise: Noise, progress: float) -> Tensor:
        """[B] int64, the kind of corruption of each row."""
        weights = np.array([value(getattr(self.corruption, name), progress) for name in KINDS], np.float64)
        cdf = torch.from_numpy(weights.cumsum() / weights.sum())
        return torch.searchsorted(cdf, noise.uniform("kind", 1)[:, 0].double(), right=True)

    def wrong_label(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, 1] int64, the label of the wrong tokens of each row. Raises ValueError when the tokenizer lacks it."""
        own = {name for name in KINDS if self.wrong_labels == "by_kind" and self.corruption.uses(name)}
        roles = (WRONG_ROLES[name] if name in own else "wrong" for name in KINDS)
        return torch.tensor([rows.vocabulary.id(role) for role in roles])[self._kinds(noise, rows.progress)][:, None]

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
    whole = (len(rows), rows.source.length)  # these rows may have been cut or padded, the pack's are not
    tokens, word = torch.empty(whole, dtype=torch.int64), torch.empty(whole, dtype=torch.int32)
    others = noise.below(len(rows.source), "fragment", 1)[:, 0]
    rows.source.gather(others.numpy(), tokens.numpy(), torch.empty_like(word).numpy(), word.numpy())
    found, width = random(objective, rows, noise, chosen), min(whole[1], rows.tokens.shape[1])
    found[:, :width] = tokens[:, :width].where(word[:, :width] > 0, found[:, :width])
    return found


def synthetic(objective: CorruptionDetector, rows: Rows, noise: Noise, chosen: Tensor) -> Tensor:
    """[B, L] int64, where chosen tokens sampled from the generator, at the objective's temperature."""
    target_positions, others = torch.nonzero(chosen.flatten())[:, 0], rows.tokens.clone()
    if len(target_positions):
        masked = torch.where(chosen, rows.vocabulary.mask, rows.tokens)
        scores = objective.generate(masked, rows.document, target_positions)
        scores = scores.masked_fill(torch.from_numpy(rows.vocabulary.is_special), -torch.inf)
        u = noise.uniform("synthetic", rows.tokens.shape[1])[chosen]  # by position, so that `chosen` shifts no draw
        others[chosen] = inverse_cdf(token_probs(scores, value(objective.temperature, rows.progress)), u)
    return others


def wrong(objective: CorruptionDetector, rows: Rows, noise: Noise, chosen: Tensor) -> Tensor:
    """[B, L] int64, [WRONG] everywhere."""
    return torch.full_like(rows.tokens, rows.vocabulary.id("wrong"))


KINDS = {"random": random, "fragment": fragment, "synthetic": synthetic, "wrong": wrong}
WRONG_ROLES = {name: "wrong" if name == "wrong" else f"wrong_{name}" for name in KINDS}
"""The label of each kind, as a role of the vocabulary, where every kind has its own."""


def wrong_ids(vocabulary: Vocabulary) -> Tensor:
    """[K] int64, every label that calls a token wrong, [WRONG] and those by kind; their probabilities add up."""
    ids = {vocabulary.id("wrong"), *(getattr(vocabulary, role) for role in WRONG_ROLES.values())}
    return torch.tensor(sorted(ids - {None}))


def detector(objective: Objective) -> CorruptionDetector | None:
    """The detector that an objective is or has inside it; None without one."""
    if isinstance(objective, CorruptionDetector):
        return objective
    return next((found for part in objective.sub_objectives.values() if (found := detector(part))), None)
