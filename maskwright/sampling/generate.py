"""The loop of every sampler: reveal and mask until nothing is masked; finished rows leave the loop.

Shapes: B rows, L positions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, pairwise

import torch
from torch import Tensor

from ..noise import Noise
from ..progress import through
from ..settings.registry import name_of
from .canvas import Canvas
from .denoiser import Denoiser, Remasker
from .mask_schedule import MaskSchedule
from .sampler import Rewriter, Sampler
from .step import Step

GIVEN, MASKED, NEW, REMASKED, SETTLED = range(5)
"""What a position is: given, still masked, just revealed, masked again, or revealed earlier."""


@dataclass(frozen=True)
class Frame:
    """All rows after a step."""

    step: int
    """How many steps are done."""
    tokens: Tensor
    """[B, L] int64."""
    state: Tensor
    """[B, L] int64, GIVEN, MASKED, NEW, REMASKED or SETTLED."""
    max_steps: int
    """The largest number of steps there can be."""


def generate(
    denoiser: Denoiser,
    sampler: Sampler,
    canvas: Canvas,
    schedule: MaskSchedule,
    seed: int = 0,
    remasker: Remasker | None = None,
    block_length: int | Tensor | None = None,
) -> Iterator[Frame]:
    """A frame before the first step and after each step; the last holds the finished texts.

    block_length: write the free positions in blocks of this size from left to right, and divide the steps among the
        blocks (semi-autoregressive sampling); none for all positions at once. Or the block of each position, [L] int64.
    Every draw has the address (seed, step, row, position), so that the same seed gives the same text.
    Raises ValueError when the sampler needs a remasker and none is given, or cannot revise a text.
    """
    masked = canvas.free & (canvas.tokens == denoiser.vocabulary.mask)
    polish = not torch.equal(masked, canvas.free)
    check(sampler, remasker, polish)
    tokens, settled, steps = canvas.tokens.clone(), torch.full(canvas.tokens.shape, torch.inf), count()
    blocks, denoiser = _blocks(canvas.free, block_length), replace(denoiser)  # one that has kept nothing yet
    plan = replace(schedule, steps=max(1, schedule.steps // len(blocks))).after
    max_steps = len(plan) * len(blocks)
    yield Frame(0, tokens.clone(), _state(canvas.free, masked), max_steps)
    for active in through(blocks):
        open_ = active if polish else active & (tokens == denoiser.vocabulary.mask)
        alive = torch.nonzero(open_.any(1))[:, 0]
        for number, (before, after) in enumerate(through([*pairwise([0.0 if polish else 1.0, *plan])])):
            if not len(alive):
                break
            noise = Noise(seed, torch.full_like(alive, next(steps)), alive)
            parts = tokens[alive], active[alive], before, after, settled[alive]
            now = Step(number, len(plan), *parts, noise, denoiser, remasker, sampler.revises)
            hidden, tokens[alive], settled[alive] = _advance(sampler, now)
            new = (now.masked | (tokens[alive] != now.tokens)) & ~hidden
            state = _state(canvas.free, canvas.free & (tokens == denoiser.vocabulary.mask))
            state[alive] = state[alive].where(~new, NEW).where(~(now.unmasked & hidden), REMASKED)
            yield Frame(int(noise.epochs[0]) + 1, tokens.clone(), state, max_steps)
            alive = alive if sampler.stochastic_remask else alive[hidden.any(1)]


def check(sampler: Sampler, remasker: Remasker | None, polish: bool) -> None:
    """Raises ValueError when the sampler does not support the request."""
    if sampler.needs_remasker and remasker is None:
        raise ValueError(f"sampler {name_of(sampler)} needs a model that detects wrong tokens: give --remasker DIR")
    if polish and not sampler.revises:
        raise ValueError(
            f"sampler {name_of(sampler)} never masks a token again, so it cannot revise a text: "
            "take remdm, and a model that fills masks"
        )


def _advance(sampler: Sampler, now: Step) -> tuple[Tensor, Tensor, Tensor]:
    """What is masked after the step, the tokens, and the probabilities that they had; all [B, L].

    After a [SEP] sampled by the model comes [PAD].
    """
    if isinstance(sampler, Rewriter):
        tokens = torch.where(now.active, sampler.write(now), now.tokens)
        return now.active & (tokens == now.denoiser.vocabulary.mask), tokens, now.settled
    last = now.number == now.steps - 1
    hidden = torch.zeros_like(now.active) if last else sampler.hide(now)
    assert not (hidden & ~now.active).any()
    revealed = now.masked & ~hidden
    said, known = now.reveal(revealed), now.denoiser.vocabulary
    ends = revealed & (said.tokens == known.sep)
    behind = (ends.cumsum(1) > 0) & ~ends
    hidden = hidden & ~behind
    tokens = torch.where(revealed, said.tokens, now.tokens).where(~hidden, known.mask).where(~behind, known.pad)
    return hidden, tokens, torch.where(revealed, said.confidence, now.settled).where(~hidden, torch.inf)


def _blocks(free: Tensor, size: int | Tensor | None) -> list[Tensor]:
    """The free positions, [B, L] bool, in blocks of `size`, or in given ones, from left to right."""
    if size is None:
        return [free]
    if isinstance(size, Tensor):
        return [free & (size == number) for number in size[free.any(0)].unique()]
    place = torch.where(free, (free.cumsum(1) - 1) // size, -1)
    return [place == number for number in range(int(place.max()) + 1)]


def _state(free: Tensor, masked: Tensor) -> Tensor:
    """[B, L] int64, without what the step did."""
    return torch.where(masked, MASKED, torch.where(free, SETTLED, GIVEN))
