"""Replaced-token detection: a small masked model learns beside, its guesses stand in for what was hidden, and every
position says whether its token is the original.

Clark et al. 2020, "ELECTRA: Pre-training text encoders as discriminators rather than generators" (arXiv 2003.10555),
section 2. A guess that is the original is right. Generator and model share no weights, so that λ has no meaning here.
The scores of the generator are sums of floats, whose last bits may differ with the shape of a batch: what it draws is
the same for the same batch, and so for a resumed run.

Shapes: B rows, L positions.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from ...data.rows import Rows
from ...masking.select import IGNORE
from ...models.modern import Modern
from ...noise import Noise, address
from ...settings import from_mapping, settings
from ...settings.schedule import Ratio
from ...text.shards.shards import Shards
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.binary_detector import Binary
from ..base.detector import Mixture
from ..base.live import Stateful
from ..base.objective import Objective, OpenRun, no_runs
from ..base.problem import Problem, TokenScorer
from .generator import Generator

LONGEST = 16_384
"""Positions in a row that a generator can tell apart."""


@settings
class Electra(Binary):
    """Detection of a generator's guesses."""

    ratio: Ratio = 0.15
    """The share of the tokens that are hidden from the generator, or a schedule of it."""
    ratio_per_row: Literal["fixed", "uniform"] = "fixed"
    """Whether every row has this ratio, or each row draws its own, uniform between 0 and `ratio`."""
    corruption: Mixture = Mixture(synthetic=1.0)
    """What stands there; `synthetic` are the generator's guesses."""
    generator_run: str | TokenScorer | None = None
    """The folder of a run whose guesses are taken instead; none for those of a generator that learns beside."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """The temperature at which it guesses."""
    balanced: bool = False
    """Whether the right and the wrong tokens of a row weigh as much; probabilities are then of a text half wrong."""
    hidden: PositiveInt = 64
    """Width of the generator, a `modern`; the paper takes a quarter to a half of the model's."""
    layers: PositiveInt = 2
    """Its layers."""
    heads: PositiveInt = 2
    """Its attention heads."""
    lr: Annotated[float, Field(gt=0)] = 1e-3
    """Its learning rate, of Adam."""

    def __post_init__(self) -> None:
        assert self._architecture

    @property
    def learns(self) -> bool:
        """Whether it trains a generator of its own."""
        return self.generator_run is None and self.corruption.synthetic > 0

    @property
    def _architecture(self) -> Modern:
        """That of the generator. Raises ValueError for sizes that make none."""
        sizes = {"hidden": self.hidden, "layers": self.layers, "heads": self.heads, "max_length": LONGEST}
        return from_mapping(Modern, sizes | {"intermediate": max(8, self.hidden * 8 // 3)}, "generator")

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with a generator: that of a run, or a new one, whose weights are a function of `seed`."""
        return LiveElectra(self, shards.vocabulary, seed) if self.learns else super().build(shards, seed, open_run)


class LiveElectra(Stateful, Electra):
    """Detection of the errors of a generator that learns in every step."""

    def __init__(self, settings: Electra, vocabulary: Vocabulary, seed: int):
        super().__init__(settings)
        self.vocabulary, self.last_step = vocabulary, dict[str, float]()
        weights = torch.Generator().manual_seed(address(seed, "generator") % 2**63)
        self.generator = Generator(self._architecture.build(vocabulary.size, weights), self.lr)

    def generate(self, inputs: Tensor, document: Tensor, asked: Tensor) -> Tensor:
        return self.generator.score_tokens(inputs, document, asked)

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """As a detector's; `span_id` is 1 + the hidden token, which is the generator's target."""
        problem = super().corrupt(rows, noise)
        return replace(problem, span_id=torch.where(self.chosen(rows, noise), rows.tokens + 1, 0).int())

    def for_validation(self) -> "LiveElectra":
        """The same with a generator that has learned nothing: its tokens are about random, and the same for any run."""
        return LiveElectra(self.settings, self.vocabulary, seed=0)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Add to the gradient of the generator, which learns from what was hidden and not from the model's loss."""
        hidden = (problem.span_id > 0) & (problem.targets != IGNORE)
        if hidden.any():
            inputs = torch.where(hidden, self.vocabulary.mask, problem.inputs)
            asked = torch.nonzero(hidden.flatten())[:, 0]
            self.generator.learn(inputs, documents(inputs, self.vocabulary), asked, problem.span_id[hidden].long() - 1)

    def end_step(self) -> None:
        """Let the generator take its step."""
        if found := self.generator.step():
            self.last_step = dict(zip(("generator/loss", "generator/accuracy"), found, strict=True))

    def state_dict(self) -> dict[str, Tensor]:
        return self.generator.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.generator.load_state_dict(state)

    def log(self) -> dict[str, Any]:
        """The generator's loss (nats) and accuracy in the last step."""
        return self.last_step


def documents(inputs: Tensor, vocabulary: Vocabulary) -> Tensor:
    """[B, L] int64, which document of its row a position belongs to: each is opened by [CLS]; -1 for padding."""
    return torch.where(inputs == vocabulary.pad, -1, (inputs == vocabulary.cls).cumsum(1))
