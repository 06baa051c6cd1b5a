"""Masked (absorbing) diffusion: any share of a row is hidden behind [MASK], from one token to all of them.

With l of N tokens hidden, l drawn with chance P(l), and the losses of the hidden tokens weighted by 1 / (l · P(l)), the
expected loss is an upper bound on −ln p of the row (Ou et al. 2024, "Your absorbing discrete diffusion secretly models
the conditional distributions of clean data"; Nie et al. 2025, "Large language diffusion models", take N / l for uniform
l). It is the same bound for every schedule, which only decides where the draws are spent.

Shapes: B rows, L positions, N positions of a row that can be hidden, V tokens.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ...attention import BOTH
from ...data.rows import Rows
from ...masking.select import IGNORE, count, select_tokens
from ...noise import Noise, low_discrepancy
from ...settings import settings
from ...text.shards.shards import Shards
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.live import Stateful, unbuilt
from ..base.objective import Objective, OpenRun, no_runs
from ..base.problem import Problem
from .noise_levels import Levels
from .rarity import rare
from .stages import Scattered, Spans, Sticky


@settings
class Diffusion(Levels, Objective):
    """Masked diffusion."""

    weighted: bool = True
    """Whether losses have the weight of the bound; or all the same."""
    gamma: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Softens the part of the weight that comes from the schedule: N / l · (1 / (N · P(l)))^gamma. 1 for the bound."""
    frequency: Annotated[float, Field(ge=0)] = 0.0
    """Rarer tokens are hidden more often: their rank to this power, which grows from 0 over the run; 0.02 is usual."""
    stages: tuple[Sticky | Spans | Scattered, ...] = ()
    """Kinds of hiding instead of the schedule; the next begins when validation no longer improves, and rows are dealt
    out evenly over those begun."""
    levels: Annotated[int, Field(ge=1)] = 16
    """How many ratios the exam looks at, spread evenly between nothing and everything."""

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"unmask"})

    @property
    def learns(self) -> bool:
        return self.frequency > 0

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with its stages and its counts of tokens, where there are any."""
        return LiveDiffusion(self, shards.vocabulary) if self.stages or self.frequency else self

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """[MASK] at the chosen positions, and the original as their target."""
        chosen = self._staged(rows, noise) if self.stages else self._scattered(rows, noise)
        known, many = count(rows.word.numpy()), count(chosen)
        weight = known / np.maximum(many, 1) if self.weighted else np.ones(len(rows))
        if self.weighted and not self.stages:
            _, chance = self.counts(known, low_discrepancy(noise, "level"))
            weight = weight * (np.maximum(known, 1) * chance) ** -self.gamma
        return hidden(rows, torch.from_numpy(chosen) > 0, torch.from_numpy(weight))

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """The bound by `levels` numbers of hidden tokens, one in each stretch of an even grid, drawn by address."""
        noise = Noise(0, torch.zeros_like(rows.ids), rows.ids)
        known = count(rows.word.numpy())
        for level in range(self.levels):
            luck = (level + noise.uniform(f"exam {level}", 1).numpy()[:, 0]) / self.levels
            many = np.clip(np.ceil(luck * known), 1, known).astype(np.int64)
            chosen = select_tokens(rows.word.numpy(), many, np.zeros_like(many), noise.keys(f"exam {level} places"))
            yield hidden(rows, torch.from_numpy(chosen) > 0, torch.from_numpy(known / many.clip(1) / self.levels))

    def for_validation(self) -> "Diffusion":
        """The plain bound, whatever is trained."""
        return Diffusion(num_static_masks=self.num_static_masks, levels=self.levels)

    def _scattered(self, rows: Rows, noise: Noise) -> np.ndarray:
        """[B, L] int32, 1 or more where hidden, by the schedule."""
        word = rows.word.numpy()
        many, _ = self.counts(count(word), low_discrepancy(noise, "level"))
        if self.frequency and self.counted.any():
            return rare(rows, many, self.counted, self.frequency * rows.progress, noise.uniform("race", word.shape[1]))
        return select_tokens(word, many, np.zeros_like(many), noise.keys("select"))

    def _staged(self, rows: Rows, noise: Noise) -> np.ndarray:
        """[B, L] int32, 1 or more where hidden, each row by one of the stages that have begun."""
        which, word = noise.below(self.begun, "stage", 1)[:, 0], rows.word.numpy()
        chosen = np.zeros_like(word)
        for number, stage in enumerate(self.stages[: self.begun]):
            if len(mine := torch.nonzero(which == number)[:, 0]):
                chosen[mine] = stage.choose(word[mine], noise[mine])
        return chosen

    @property
    def begun(self) -> int:
        """How many of the stages have begun."""
        raise unbuilt(self)

    @property
    def counted(self) -> Tensor:
        """[V] int64, how often each token has been seen."""
        raise unbuilt(self)


class LiveDiffusion(Stateful, Diffusion):
    """Masked diffusion in stages, or that has counted how frequent tokens are."""

    def __init__(self, settings: Diffusion, vocabulary: Vocabulary):
        super().__init__(settings)
        self.patience = torch.tensor([0.0, 0.0, torch.inf], dtype=torch.float64)
        """[3]: the present stage, its validations without a better loss, its best loss."""
        self._counted = torch.zeros(vocabulary.size, dtype=torch.int64)

    @property
    def begun(self) -> int:
        return min(len(self.stages), 1 + int(self.patience[0]))

    @property
    def counted(self) -> Tensor:
        return self._counted

    def on_validation(self, metrics: Mapping[str, float]) -> None:
        """Go on to the next stage when the loss of so many validations was no better than the best."""
        if not self.stages:
            return
        stage, waited, best = self.patience.tolist()
        waited = 0.0 if metrics["loss"] < best else waited + 1
        if waited >= self.stages[min(int(stage), len(self.stages) - 1)].patience:
            stage, waited, best = stage + 1, 0.0, float("inf")
        self.patience.copy_(torch.tensor([stage, waited, min(best, metrics["loss"])]))

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Count the tokens of the rows; the targets are what is hidden, so that the whole text is known."""
        tokens = torch.where(problem.targets == IGNORE, problem.inputs, problem.targets).flatten()
        self._counted += torch.bincount(tokens, minlength=len(self._counted))

    def state_dict(self) -> dict[str, Tensor]:
        stages = {"patience": self.patience} if self.stages else {}
        return stages | ({"counts": self._counted} if self.frequency else {})

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        for name, tensor in self.state_dict().items():
            tensor.copy_(state[name])

    def log(self) -> dict[str, Any]:
        return {"stage": self.begun} if self.stages else {}


def hidden(rows: Rows, chosen: Tensor, weight: Tensor) -> Problem:
    """The rows behind [MASK] at `chosen`, [B, L] bool; each hidden token has the weight of its row, [B] of a float."""
    inputs = torch.where(chosen, rows.vocabulary.mask, rows.tokens)
    weights = torch.where(chosen, weight.float()[:, None], 0.0)
    return Problem(inputs, torch.where(chosen, rows.tokens, IGNORE), weights, torch.full_like(rows.ids, BOTH))
