"""Replaced-token detection: a small masked model (the generator) is trained alongside, its samples replace the masked
tokens, and every position says whether its token is the original.

Clark et al. 2020, "ELECTRA: Pre-training text encoders as discriminators rather than generators" (arXiv 2003.10555),
section 2. A sampled token that equals the original counts as right. Generator and model share no weights, so that λ
has no meaning here. The generator's logits are sums of floats, whose last bits may differ with the shape of a batch:
its samples are reproducible for the same batches, and so for a resumed run.

Shapes: B rows, L positions.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ...data.rows import Rows
from ...masking.select import IGNORE
from ...models.modern import Modern
from ...noise import Noise, address
from ...settings import from_mapping, settings
from ...settings.bounds import Layers, Size
from ...settings.schedule import Ratio, Scheduled
from ...text.shards.shards import Shards
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.binary_detector import Binary
from ..base.detector import Mixture
from ..base.live import Stateful
from ..base.objective import Objective, OpenRun, no_runs
from ..base.problem import Problem, TokenScorer
from .generator import Generator

MAX_LENGTH = 16_384
"""The longest row that a generator takes, in tokens."""


@settings
class Electra(Binary):
    """Detection of a generator's samples."""

    ratio: Ratio = 0.15
    """The fraction of tokens that are masked for the generator, or a schedule of it."""
    ratio_per_row: Literal["fixed", "uniform"] = "fixed"
    """Whether every row has this ratio, or each row draws its own, uniform between 0 and `ratio`."""
    corruption: Mixture = Mixture(synthetic=1.0)
    """What tokens are replaced by; `synthetic` are the generator's samples."""
    generator_run: str | TokenScorer | None = None
    """The folder of a run to sample from instead; null for a generator that is trained alongside."""
    temperature: Scheduled[Annotated[float, Field(gt=0)]] = 1.0
    """The temperature at which it is sampled, or a schedule of it."""
    balanced: bool = False
    """Whether right and wrong tokens of a row have equal total weight; probabilities are then for a text half wrong."""
    hidden: Size = 64
    """Width of the generator, a `modern` model; the paper uses a quarter to a half of the main model's."""
    layers: Layers = 2
    """Its layers."""
    heads: Layers = 2
    """Its attention heads."""
    lr: Annotated[float, Field(gt=0)] = 1e-3
    """Learning rate of its Adam."""

    needs_generator_run: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self._architecture

    @property
    def learns(self) -> bool:
        """Whether it trains a generator of its own."""
        return self.generator_run is None and self.corruption.uses("synthetic")

    @property
    def _architecture(self) -> Modern:
        """The generator's architecture. Raises ValueError for impossible sizes."""
        sizes = {"hidden": self.hidden, "layers": self.layers, "heads": self.heads, "max_length": MAX_LENGTH}
        return from_mapping(Modern, sizes | {"intermediate": max(8, self.hidden * 8 // 3)}, "generator")

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with a generator: that of a run, or a new one, whose weights are a function of `seed`."""
        return LiveElectra(self, shards.vocabulary, seed) if self.learns else super().build(shards, seed, open_run)


class LiveElectra(Stateful, Electra):
    """Detection of the errors of a generator that is trained in every step."""

    def __init__(self, settings: Electra, vocabulary: Vocabulary, seed: int):
        super().__init__(settings)
        self.vocabulary, self.last_step = vocabulary, dict[str, float]()
        weights = torch.Generator().manual_seed(address(seed, "generator") % 2**63)
        self.generator = Generator(self._architecture.build(vocabulary.size, weights), self.lr)

    def generate(self, inputs: Tensor, document: Tensor, target_positions: Tensor) -> Tensor:
        return self.generator.score_tokens(inputs, document, target_positions)

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """As for other detectors; `span_id` is 1 + the masked token, which is the generator's target."""
        problem = super().corrupt(rows, noise)
        return replace(problem, span_id=torch.where(self.chosen(rows, noise), rows.tokens + 1, 0).int())

    def for_validation(self) -> "LiveElectra":
        """The same with an untrained generator: its samples are nearly random, and the same for any run."""
        return LiveElectra(self.settings, self.vocabulary, seed=0)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Accumulate the gradient of the generator, which learns from the masked tokens, not from the model's loss."""
        hidden = (problem.span_id > 0) & (problem.targets != IGNORE)
        if hidden.any():
            inputs = torch.where(hidden, self.vocabulary.mask, problem.inputs)
            target_positions = torch.nonzero(hidden.flatten())[:, 0]
            tokens = problem.span_id[hidden].long() - 1
            self.generator.learn(inputs, documents(inputs, self.vocabulary), target_positions, tokens)

    def end_step(self) -> None:
        """Take an optimizer step on the generator."""
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
    """[B, L] int64, the document of its row that a position belongs to: each begins with [CLS]; -1 for padding."""
    return torch.where(inputs == vocabulary.pad, -1, (inputs == vocabulary.cls).cumsum(1))
