"""One step of a sampler: the tokens, what the models predict for them, and how many may stay masked.

Models run only when a rule asks for their predictions. A rule that needs none decides alone, and the head then
runs only for the positions that it reveals, which makes samplers such as `mdlm` cheaper.

Shapes: B rows, L positions.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..noise import Noise
from .denoiser import Denoiser, Prediction, Remasker


@dataclass(frozen=True)
class Step:
    """The state before a step."""

    number: int
    """The number of the step, from 0."""
    steps: int
    """How many steps there are."""
    tokens: Tensor
    """[B, L] int64, with [MASK] where nothing stands."""
    active: Tensor
    """[B, L] bool, the positions that the sampler may write to; never the prompt."""
    before: float
    """The scheduled mask ratio of the active positions before this step."""
    after: float
    """The scheduled mask ratio after it."""
    settled: Tensor
    """[B, L] float32, the probability of each token when it was sampled; infinite for masks and for the prompt."""
    noise: Noise
    """[B] rows; the epoch is the step."""
    denoiser: Denoiser
    remasker: Remasker | None = None
    revises: bool = False
    """Whether tokens may be masked again."""

    @cached_property
    def masked(self) -> Tensor:
        """[B, L] bool, the active positions that are masked."""
        return self.active & (self.tokens == self.denoiser.vocabulary.mask)

    @cached_property
    def unmasked(self) -> Tensor:
        """[B, L] bool, the active positions that are not."""
        return self.active & ~self.masked

    @cached_property
    def known(self) -> Tensor:
        """[B] int64, how many positions are active."""
        return self.active.sum(1)

    @property
    def progress(self) -> float:
        """The share of the steps that is done: 0 in the first step, 1 in the last."""
        return self.number / max(self.steps - 1, 1)

    @property
    def final(self) -> int:
        """How many positions, from the first on, no longer change."""
        return int((self.active if self.revises else self.masked).any(0).long().argmax())

    @property
    def budget(self) -> Tensor:
        """[B] int64, how many positions stay masked by the schedule, rounded down."""
        return (self.after * self.known.double() + 1e-9).long()

    def uniform(self, stream: str) -> Tensor:
        """[B, L] float32 in [0, 1), by address."""
        return self.noise.uniform(stream, self.tokens.shape[1])

    def sample_tokens(self, score: str = "confidence", where: Tensor | None = None) -> Prediction:
        """Sample at `where`, [B, L] bool, by default at every mask. The last result is cached."""
        where = self.masked if where is None else where
        if not self._cached or self._cached[0] != score or not torch.equal(self._cached[1], where):
            u = (self.noise.bits("token", where.shape[1]) >> 11).astype("float64") * 2.0**-53
            sampled = self.denoiser.sample_tokens(
                self.tokens, where, torch.from_numpy(u), score, self.progress, self.final, self.noise.rows
            )
            self._cached[:] = score, where, sampled
        return self._cached[2]

    @cached_property
    def _cached(self) -> list[Any]:
        """The last score and positions asked for, and their result; empty at first."""
        return []

    @cached_property
    def p_wrong(self) -> Tensor:
        """[B, L] float32, P(wrong) at the active positions, after every mask is filled with the sampled token."""
        assert self.remasker
        text = torch.where(self.masked, self.sample_tokens().tokens, self.tokens)
        return self.remasker.p_wrong(text, self.active)

    @cached_property
    def settled_p_wrong(self) -> Tensor:
        """[B, L] float32, P(wrong) of the unmasked active positions, by a text with its masks, where the remasker was
        trained on such; else `p_wrong`."""
        assert self.remasker
        if self.remasker.objective.reads_masks:
            return self.remasker.p_wrong(self.tokens, self.unmasked)
        return self.p_wrong

    def reveal(self, where: Tensor) -> Prediction:
        """The tokens to write at `where`, [B, L] bool: the cached ones, if they cover all of it."""
        known = self._cached and not (where & ~self._cached[1]).any()
        return self._cached[2] if known else self.sample_tokens(where=where)
