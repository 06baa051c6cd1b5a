"""Ancestral sampling of mixed noise: in each step a token is left, drawn again, or noised again by less than before.

von Rütte et al. 2025, "Generalized interpolating discrete diffusion" (GIDD), section 4: from noise t to s < t, z stays
or is drawn by q(z_t | z_s) q_s(z_s | p), where p is what the model predicts at its position. So of what the model holds
for random some is replaced in every step. A text is revised from some noise on, which is put on it first.

Shapes: B rows, L positions.
"""

from dataclasses import replace

import torch
from torch import Tensor

from ...settings import settings
from ..sampler import Rewriter
from ..step import Step


@settings
class Denoise(Rewriter):
    """Draw random and masked tokens again, by how much noise is left (GIDD)."""

    @property
    def exact(self) -> str:
        return "as the steps grow: tokens drawn in one step do not see each other"

    def write(self, step: Step) -> Tensor:
        if step.number == 0:  # what is noised wholly is not all [MASK]
            share = step.denoiser.line.at(1.0)
            random = step.masked & (step.uniform("first") < share)
            step = replace(step, tokens=_random(step).where(random, step.tokens))
        if step.after > step.before:
            stays = (1 - step.after) / (1 - step.before)
            gone = step.active & (step.uniform("gone") >= stays)
            return self._noise(step, step.after).where(gone, step.tokens)
        stays = (1 - step.before) / max(1 - step.after, 1e-9)
        guess = step.sample_tokens("kept", step.active)
        before, after = (_put(step, noise).double() for noise in (step.before, step.after))
        redrawn = before - stays * after  # that the step to more noise put it there
        again = step.uniform("again") * (before + (1 - step.before) * guess.score) < redrawn
        drawn = guess.tokens.where(step.uniform("clean") >= step.after, self._noise(step, step.after))
        return drawn.where(again & step.active, step.tokens)

    def _noise(self, step: Step, noise: float) -> Tensor:
        """[B, L] int64, [MASK]s and random tokens in their shares at this noise."""
        is_random = step.uniform("kind") < step.denoiser.line.at(noise)
        return _random(step).where(is_random, step.denoiser.vocabulary.mask)


def _random(step: Step) -> Tensor:
    """[B, L] int64, ordinary tokens."""
    ordinary = torch.from_numpy(step.denoiser.vocabulary.ordinary)
    return ordinary[step.noise.below(len(ordinary), "random", step.tokens.shape[1])]


def _put(step: Step, noise: float) -> Tensor:
    """[B, L] float64, how probably noise alone puts what stands at a position there."""
    known, share = step.denoiser.vocabulary, step.denoiser.line.at(noise)
    random = torch.full(step.tokens.shape, noise * share / len(known.ordinary), dtype=torch.float64)
    return random.where(step.tokens != known.mask, noise * (1 - share))
