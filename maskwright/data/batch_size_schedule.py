"""Batches that grow over a run: each is some batches of a plain loader, which come in the same order, none twice.

So a step still says by itself which rows are its own, and neither ranks nor a resume change anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .loader import Loader, by_epoch, read
from .order import Order
from .pack import Pack
from .rows import Rows


def batch_size_schedule(batch_tokens: int | str) -> list[tuple[float, int]]:
    """The first epoch and the positions in a batch of each stretch of `4096` or `0:512,0.5:2048,1:4096`.

    Raises ValueError on anything else, and when a batch is no multiple of the first.
    """
    found = by_epoch(batch_tokens, float, int)
    if not found or min(tokens for _, tokens in found) < 1:
        raise ValueError(
            f"batch_tokens={batch_tokens!r}: give positions, at least 1, as in 4096, or epochs as in 0:512,0.5:4096"
        )
    if odd := [tokens for _, tokens in found if tokens % found[0][1]]:
        raise ValueError(f"batch_tokens={batch_tokens!r}: {odd[0]} is no multiple of the first batch, {found[0][1]}")
    return found


@dataclass(frozen=True)
class BatchSizePhase:
    """Steps with batches of one size."""

    step: int
    """The step at which it begins."""
    unit: int
    """The batch of the plain loader with which it begins."""
    many: int
    """How many of these make a batch; the last of the stretch may have fewer."""


class ScheduledLoader(Loader):
    """A loader whose `stages` count in the smallest batches, its units, and all else in the run's own.

    packs, order: as for `Loader`.  sizes: (first epoch, positions per batch) pairs, as from `batch_size_schedule`.
    """

    def __init__(
        self, packs: list[tuple[int, Pack]], sizes: Sequence[tuple[float, int]], seed: int, order: Order | None = None
    ):
        super().__init__(packs, sizes[0][1], seed, order)
        many = {super(ScheduledLoader, self).step_of(epoch): tokens // sizes[0][1] for epoch, tokens in sizes}
        begins = sorted({*many, *(stage.step for stage in self.stages)})
        self.stretches: list[BatchSizePhase] = []
        step = 0
        for unit, end in zip(begins, [*begins[1:], begins[-1]], strict=True):
            size = many[max(begin for begin in many if begin <= unit)]
            self.stretches.append(BatchSizePhase(step, unit, size))
            step += -(-(end - unit) // size)

    def unit(self, step: int) -> int:
        """How many units come before `step`."""
        stretch = next(stretch for stretch in reversed(self.stretches) if stretch.step <= step)
        return stretch.unit + (step - stretch.step) * stretch.many

    def step_after(self, unit: int) -> int:
        """The first step before which so many units were seen."""
        stretch = next(stretch for stretch in reversed(self.stretches) if stretch.unit <= unit)
        return stretch.step + -(-(unit - stretch.unit) // stretch.many)

    def epoch(self, step: int) -> float:
        return super().epoch(self.unit(step))

    def step_of(self, epochs: float) -> int:
        return self.step_after(super().step_of(epochs))

    def step_at(self, words: int) -> int:
        return self.step_after(super().step_at(words))

    def batch(self, step: int, steps: int, rank: int = 0, world: int = 1) -> Rows:
        unit, stage = self.unit(step), self.stage(self.unit(step))
        first, rows = (unit - stage.step) * stage.rows, (self.unit(step + 1) - unit) * stage.rows
        begin, end = first + rows * rank // world, first + rows * (rank + 1) // world
        epochs, numbers = stage.places(begin, end)
        return read(stage.pack, numbers, epochs, step / steps)
