"""One step of a sampler: what is there, what the models say of it, and how much of it may stay masked.

What a model says is asked when a rule wants it and not before: a rule that needs no model decides alone, and the head
then runs only for what it reveals.

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
    """Which step it is, from 0."""
    steps: int
    """How many there are."""
    tokens: Tensor
    """[B, L] int64, with [MASK] where nothing stands."""
    active: Tensor
    """[B, L] bool, where the sampler may write; never the prompt."""
    before: float
    """The share of the active positions that is masked now, by the schedule."""
    after: float
    """The share that is to be masked after this step."""
    settled: Tensor
    """[B, L] float32, the probability that each token had when it was last drawn; infinite for masks and the given."""
    noise: Noise
    """[B] rows; the epoch is the step."""
    denoiser: Denoiser
    remasker: Remasker | None = None

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
    def budget(self) -> Tensor:
        """[B] int64, how many positions stay masked by the schedule, rounded down."""
        return (self.after * self.known.double() + 1e-9).long()

    def uniform(self, stream: str) -> Tensor:
        """[B, L] float32 in [0, 1), by address."""
        return self.noise.uniform(stream, self.tokens.shape[1])

    def sample_tokens(self, score: str = "confidence", where: Tensor | None = None) -> Prediction:
        """What the model says at `where`, [B, L] bool, by default at every mask. The last answer is remembered."""
        where = self.masked if where is None else where
        if not self._heard or self._heard[0] != score or not torch.equal(self._heard[1], where):
            u = (self.noise.bits("token", where.shape[1]) >> 11).astype("float64") * 2.0**-53
            said = self.denoiser.sample_tokens(self.tokens, where, torch.from_numpy(u), score)
            self._heard[:] = score, where, said
        return self._heard[2]

    @cached_property
    def _heard(self) -> list[Any]:
        """The score and the places that were last asked for, and the answer; empty at first."""
        return []

    @cached_property
    def p_wrong(self) -> Tensor:
        """[B, L] float32, P(wrong) of the active positions, once every mask has the token that the model says."""
        assert self.remasker
        text = torch.where(self.masked, self.sample_tokens().tokens, self.tokens)
        return self.remasker.p_wrong(text, self.active)

    def reveal(self, where: Tensor) -> Prediction:
        """What to write at `where`, [B, L] bool: what was said before, if it was said of all of it."""
        known = self._heard and not (where & ~self._heard[1]).any()
        return self._heard[2] if known else self.sample_tokens(where=where)
