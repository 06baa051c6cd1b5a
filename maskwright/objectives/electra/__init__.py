"""Replaced-token detection: a small masked model learns beside, its guesses stand in for what was hidden, and every
position says whether its token is the original.

Clark et al. 2020, "ELECTRA: Pre-training text encoders as discriminators rather than generators" (arXiv 2003.10555),
section 2. A guess that is the original is right. Generator and model share no weights, so that λ has no meaning here.
The scores of the generator are sums of floats, whose last bits may differ with the shape of a batch: what it draws is
the same for the same batch, and so for a resumed run.

Shapes: B rows, L positions.
"""

from dataclasses import replace
from functools import cached_property
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
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.binary_detector import Binary
from ..base.detector import Mixture
from ..base.problem import Problem
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
    generator_run: str | None = None
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
    def _beside(self) -> bool:
        """Whether it asks a generator of its own."""
        return not self.generator_run and self.corruption.synthetic > 0

    @property
    def _architecture(self) -> Modern:
        """That of the generator. Raises ValueError for sizes that make none."""
        sizes = {"hidden": self.hidden, "layers": self.layers, "heads": self.heads, "max_length": LONGEST}
        return from_mapping(Modern, sizes | {"intermediate": max(8, self.hidden * 8 // 3)}, "generator")

    @cached_property
    def _known(self) -> dict[str, Any]:
        """The generator, the vocabulary, and what the log is told."""
        return {}

    def corrupted(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] int64, the rows with guesses in place of what was hidden."""
        self._known["vocabulary"] = rows.vocabulary
        if self._beside and "generator" not in self._known:
            self._begin(rows.vocabulary.size, noise.seed)
        return super().corrupted(rows, noise)

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """As a detector's; `unit` is 1 + what was hidden, which the generator is to hear."""
        problem = super().corrupt(rows, noise)
        if not self._beside:
            return problem
        return replace(problem, span_id=torch.where(self.chosen(rows, noise), rows.tokens + 1, 0).int())

    def _begin(self, size: int, seed: int) -> Generator:
        model = self._architecture.build(size, torch.Generator().manual_seed(address(seed, "generator") % 2**63))
        self._known["generator"] = generator = Generator(model, self.lr)
        self.__dict__["guess"] = generator.guess
        return generator

    def for_validation(self) -> "Electra":
        """The same with a generator that has learned nothing: its guesses are about random."""
        return replace(self) if self._beside else self

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Let the generator hear what was hidden; how the model judged its guesses does not matter to it."""
        hidden = (problem.span_id > 0) & (problem.targets != IGNORE)
        if hidden.any():
            vocabulary: Vocabulary = self._known["vocabulary"]
            inputs = torch.where(hidden, vocabulary.mask, problem.inputs)
            asked = torch.nonzero(hidden.flatten())[:, 0]
            self._known["generator"].learn(
                inputs, documents(inputs, vocabulary), asked, problem.span_id[hidden].long() - 1
            )

    def end_step(self) -> None:
        """Let the generator take its step."""
        if "generator" in self._known and (found := self._known["generator"].step()):
            self._known["told"] = dict(zip(("generator/loss", "generator/accuracy"), found, strict=True))

    def state_dict(self) -> dict[str, Tensor]:
        return self._known["generator"].state_dict() if "generator" in self._known else {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        if state:
            self._begin(len(state["model.embedding.weight"]), 0).load_state_dict(state)

    def log(self) -> dict[str, Any]:
        """How the generator did in the last step: nats and the share it guessed."""
        return self._known.get("told", {})


def documents(inputs: Tensor, vocabulary: Vocabulary) -> Tensor:
    """[B, L] int64, which document of its row a position belongs to: each is opened by [CLS]; -1 for padding."""
    return torch.where(inputs == vocabulary.pad, -1, (inputs == vocabulary.cls).cumsum(1))
