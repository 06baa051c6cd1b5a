"""Masked (absorbing) diffusion: any fraction of a row is replaced by [MASK], from one token to all of them.

When l of N tokens are masked with probability P(l), and the losses of masked tokens are weighted by 1 / (l · P(l)), the
expected loss is an upper bound on −ln p of the row (Ou et al. 2024, "Your absorbing discrete diffusion secretly models
the conditional distributions of clean data"; Nie et al. 2025, "Large language diffusion models", take N / l for uniform
l). The bound is the same for every schedule; a schedule only decides which l are sampled often.

Shapes: B rows, L positions, N maskable positions of a row, V tokens.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ...attention import BOTH
from ...data.rows import Rows
from ...masking.select import IGNORE, count, select_tokens
from ...noise import Noise, low_discrepancy
from ...settings import settings, short_repr
from ...settings.bounds import Size
from ...settings.schedule import Probability, Scheduled, sums, value
from ...text.shards.shards import Shards
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.live import Stateful, unbuilt
from ..base.objective import Objective, OpenRun, no_runs
from ..base.problem import Problem
from .blocks import Blocks, blocks
from .lengths import Gaps, cut, with_gaps
from .mixed import ALL_RANDOM, Line, noised_problem
from .noise_levels import Levels
from .patterns import Scattered, Spans, Sticky
from .rarity import select_by_rarity


@settings
class Diffusion(Levels, Objective):
    """Masked diffusion: a ratio drawn for each row, and a loss that bounds the likelihood (MDLM, LLaDA)."""

    weighted: bool = True
    """Whether losses have the weights of the bound, or equal weights."""
    gamma: Scheduled[Probability] = 1.0
    """Exponent of the schedule's part of the weight: N / l · (1 / (N · P(l)))^gamma, or a schedule of it. 1 gives the
    bound."""
    max_weight: Annotated[float, Field(gt=0)] | None = None
    """The largest weight of a loss in training, where the average is 1; larger ones are cut, and the loss is then no
    bound. Null cuts none."""
    frequency: Annotated[float, Field(ge=0)] = 0.0
    """Rarer tokens are masked more often: their rank to this power, which grows from 0 over the run; 0.02 is usual."""
    pattern: Sticky | Spans | Scattered | None = None
    """A masking pattern in place of the schedule: clusters, spans, or single tokens up to a ratio."""
    uniform: Probability | Line = 0.0
    """The share of random tokens in place of [MASK]s (GIDD): one number, or `{low: 0.2, high: 0}` for those at little
    and at full noise. With any, every token has a loss, whether it was noised or not."""
    block_length: Size | None = None
    """Block diffusion (BD3-LM): each block of so many tokens is diffused given the blocks before it; null for the whole
    text at once."""
    random_length: Scheduled[Probability] = 0.0
    """The share of rows that end early, with [SEP], after a number of tokens drawn uniformly, or a schedule of it."""
    gaps: Gaps | None = None
    """Rows with a gap that is filled with fewer tokens than it has room for, [PAD] behind them: for
    `maskwright sample --gap`."""
    levels: Size = 16
    """How many mask ratios the validation bound is estimated from, spread evenly between 0 and 1."""

    def __post_init__(self) -> None:
        if self.block_length and (self.gaps or max(sums(self.random_length))):
            raise ValueError(
                f"block_length={self.block_length}: texts in blocks have any length as it is; leave out random_length "
                "and gaps"
            )
        if self.mixed and self.gaps:
            raise ValueError(f"gaps with uniform={short_repr(self.uniform)}: [PAD] is never a random token")
        if self.block_length and (self.pattern or self.frequency):
            raise ValueError(
                f"block_length={self.block_length}: blocks are masked by the schedule, without pattern and frequency"
            )
        if self.mixed and (self.block_length or self.pattern or self.frequency):
            raise ValueError(
                f"uniform={short_repr(self.uniform)}: random tokens come in whole texts and by the schedule, without "
                "block_length, pattern and frequency"
            )

    @property
    def capabilities(self) -> frozenset[str]:
        if self.mixed:
            return frozenset({"denoise"} if self.mixed == ALL_RANDOM else {"denoise", "unmask"})
        return frozenset({"unmask"}) if self.block_length is None else frozenset({"unmask_blocks"})

    @property
    def mixed(self) -> Line | None:
        """The share of random tokens over the noise; None where there are none."""
        line = self.uniform if isinstance(self.uniform, Line) else Line(low=self.uniform, high=self.uniform)
        return line if line.low or line.high else None

    @property
    def leak_exemption(self) -> str:
        return (
            "any token may be a random one, so that those too are asked for that were left alone" if self.mixed else ""
        )

    @property
    def reads_blocks(self) -> int | None:
        return self.block_length

    @property
    def learns(self) -> bool:
        return self.frequency > 0

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> Objective:
        """The same with token counts, where it needs them."""
        return LiveDiffusion(self, shards.vocabulary) if self.frequency else self

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """[MASK] at the chosen positions, with the original tokens as targets."""
        if self.gaps:
            rows = with_gaps(rows, noise, self.gaps)
        if share := value(self.random_length, rows.progress):
            rows, unseen = cut(rows, noise, share)
        problem = self._noised(rows, noise)
        problem = replace(problem, block=torch.where(unseen, -2, 0)) if share else problem
        return replace(problem, weights=problem.weights.clamp(max=self.max_weight)) if self.max_weight else problem

    def _noised(self, rows: Rows, noise: Noise) -> Problem:
        if self.block_length:
            return self._in_blocks(blocks(rows, self.block_length), noise)
        if self.mixed:
            level, density = self.level(low_discrepancy(noise, "level"), rows.progress)
            problem = noised_problem(rows, self.mixed, level, noise)
            row = torch.from_numpy(density ** -value(self.gamma, rows.progress)).float()[:, None]
            weights = problem.weights * row if self.weighted else (problem.weights > 0).float()
            return replace(problem, weights=weights)
        pattern, word = self.pattern, rows.word.numpy()
        chosen = pattern.choose(word, noise, rows.progress) if pattern else self._scattered(rows, noise)
        n, n_masked = count(word), count(chosen)
        weight = n / np.maximum(n_masked, 1) if self.weighted else np.ones(len(rows))
        if self.weighted and not pattern:
            _, probability = self.counts(n, low_discrepancy(noise, "level"), rows.progress)
            weight = weight * (np.maximum(n, 1) * probability) ** -value(self.gamma, rows.progress)
        return masked_problem(rows, torch.from_numpy(chosen) > 0, torch.from_numpy(weight))

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """The bound, estimated at `levels` mask ratios, one drawn from each cell of an even grid (stratified)."""
        noise = Noise(0, torch.zeros_like(rows.ids), rows.ids)
        if self.block_length:
            yield from block_bound(blocks(rows, self.block_length), noise, min(self.levels, self.block_length))
            return
        if self.mixed:
            for level in range(self.levels):
                noised = (level + noise.uniform(f"exam {level}", 1).double().numpy()[:, 0]) / self.levels
                problem = noised_problem(rows, self.mixed, noised, noise, f"exam {level} ")
                yield replace(problem, weights=problem.weights / self.levels)
            return
        n = count(rows.word.numpy())
        for level in range(self.levels):
            ratio = (level + noise.uniform(f"exam {level}", 1).numpy()[:, 0]) / self.levels
            budget = np.clip(np.ceil(ratio * n), 1, n).astype(np.int64)
            keys = noise.keys(f"exam {level} places")
            chosen = select_tokens(rows.word.numpy(), budget, np.zeros_like(budget), keys)
            weight = torch.from_numpy(n / budget.clip(1) / self.levels)
            yield masked_problem(rows, torch.from_numpy(chosen) > 0, weight)

    def for_validation(self) -> "Diffusion":
        """The plain bound, whatever the training options, so that runs compare."""
        kept = ("num_static_masks", "levels", "block_length", "uniform")
        return Diffusion(**{name: getattr(self, name) for name in kept})

    def _in_blocks(self, parts: Blocks, noise: Noise) -> Problem:
        """Each block masked by the schedule, with weights of its own."""
        n, progress = parts.n, parts.rows.progress
        budget, probability = self.counts(n, parts.quantiles(low_discrepancy(noise, "level")), progress)
        weight = n / np.maximum(budget, 1) if self.weighted else np.ones(n.shape)
        if self.weighted:
            weight = weight * (np.maximum(n, 1) * probability) ** -value(self.gamma, progress)
        chosen = parts.select(budget, noise, "select in blocks")
        return parts.doubled(masked_problem(parts.rows, chosen, parts.spread(weight)))

    def _scattered(self, rows: Rows, noise: Noise) -> np.ndarray:
        """[B, L] int32, 1 or more where masked, by the schedule."""
        word = rows.word.numpy()
        budget, _ = self.counts(count(word), low_discrepancy(noise, "level"), rows.progress)
        if self.frequency and self.counted.any():
            keys = noise.keys("select by rarity")
            return select_by_rarity(rows, budget, self.counted, self.frequency * rows.progress, keys)
        return select_tokens(word, budget, np.zeros_like(budget), noise.keys("select"))

    @property
    def counted(self) -> Tensor:
        """[V] int64, how often each token has been seen."""
        raise unbuilt(self)


class LiveDiffusion(Stateful, Diffusion):
    """Masked diffusion with counts of token frequency."""

    def __init__(self, settings: Diffusion, vocabulary: Vocabulary):
        super().__init__(settings)
        self._counted = torch.zeros(vocabulary.size, dtype=torch.int64)

    @property
    def counted(self) -> Tensor:
        return self._counted

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Count the tokens of the rows: inputs, and targets where inputs are masked, give back the clean text."""
        tokens = torch.where(problem.targets == IGNORE, problem.inputs, problem.targets).flatten()
        self._counted += torch.bincount(tokens, minlength=len(self._counted))

    def state_dict(self) -> dict[str, Tensor]:
        return {"counts": self._counted}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self._counted.copy_(state["counts"])


def block_bound(parts: Blocks, noise: Noise, levels: int) -> Iterator[Problem]:
    """The bound by blocks, at `levels` mask ratios; with as many as a block has tokens, each number of masks once."""
    n = parts.n
    for level in range(levels):
        ratio = (level + noise.uniform(f"exam {level}", n.shape[1]).numpy()) / levels
        budget = np.clip(np.ceil(ratio * n), np.minimum(n, 1), n).astype(np.int64)
        chosen = parts.select(budget, noise, f"exam {level} places")
        weight = parts.spread(n / budget.clip(1) / levels)
        yield parts.doubled(masked_problem(parts.rows, chosen, weight))


def masked_problem(rows: Rows, chosen: Tensor, weight: Tensor) -> Problem:
    """The rows with [MASK] at `chosen`, [B, L] bool, where losses have a weight, [B] of their row, or [B, L], float."""
    weight = weight.float() if weight.ndim == 2 else weight.float()[:, None]
    inputs = torch.where(chosen, rows.vocabulary.mask, rows.tokens)
    weights = torch.where(chosen, weight, 0.0)
    return Problem(inputs, torch.where(chosen, rows.tokens, IGNORE), weights, torch.full_like(rows.ids, BOTH))
