"""Batch sizes that change over a run. A batch is a whole number of the smallest batches ("units"), in the same order.

So the step alone still determines which rows are in a batch, none is repeated or skipped, and neither the number of
ranks nor a resume changes anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..files.errors import short_repr
from ..settings.bounds import MOST_BATCH, MOST_EPOCHS
from .loader import Loader, parse_epochs, read_rows
from .order import Order
from .pack import Pack
from .rows import Rows


def batch_size_schedule(batch_tokens: int | str) -> list[tuple[float, int]]:
    """(first epoch, positions per batch) of each phase of `4096` or `0:512,0.5:2048,1:4096`.

    Raises ValueError on anything else, and when a batch is not a multiple of the first.
    """
    phases = parse_epochs(batch_tokens, float, int)
    if not phases or not all(epoch <= MOST_EPOCHS and 1 <= tokens <= MOST_BATCH for epoch, tokens in phases):
        raise ValueError(
            f"batch_tokens={short_repr(batch_tokens)}: give 1 to {MOST_BATCH:,} positions as in 4096, or a schedule as "
            "in 0:512,0.5:4096"
        )
    if odd := [tokens for _, tokens in phases if tokens % phases[0][1]]:
        raise ValueError(f"batch_tokens={batch_tokens!r}: {odd[0]} is not a multiple of the first, {phases[0][1]}")
    return phases


@dataclass(frozen=True)
class BatchSizePhase:
    """Steps with one batch size."""

    step: int
    """The first step."""
    unit: int
    """Its first unit."""
    units_per_batch: int
    """Units per batch; the last batch of a phase may have fewer."""


class ScheduledLoader(Loader):
    """A loader whose `stages` count in units; all public steps are steps of the run.

    packs, order: as for `Loader`.  sizes: (first epoch, positions per batch) pairs, as from `batch_size_schedule`.
    """

    def __init__(
        self, packs: list[tuple[int, Pack]], sizes: Sequence[tuple[float, int]], seed: int, order: Order | None = None
    ):
        super().__init__(packs, sizes[0][1], seed, order)
        size_at = {super(ScheduledLoader, self).step_at_epoch(epoch): tokens // sizes[0][1] for epoch, tokens in sizes}
        begins = sorted({*size_at, *(stage.step for stage in self.stages)})
        self.phases: list[BatchSizePhase] = []
        step = 0
        for unit, end in zip(begins, [*begins[1:], begins[-1]], strict=True):
            size = size_at[max(begin for begin in size_at if begin <= unit)]
            self.phases.append(BatchSizePhase(step, unit, size))
            step += -(-(end - unit) // size)

    def unit(self, step: int) -> int:
        """Number of units before `step`."""
        phase = next(phase for phase in reversed(self.phases) if phase.step <= step)
        return phase.unit + (step - phase.step) * phase.units_per_batch

    def first_step_after(self, unit: int) -> int:
        phase = next(phase for phase in reversed(self.phases) if phase.unit <= unit)
        return phase.step + -(-(unit - phase.unit) // phase.units_per_batch)

    def epoch(self, step: int) -> float:
        return super().epoch(self.unit(step))

    def step_at_epoch(self, epochs: float) -> int:
        return self.first_step_after(super().step_at_epoch(epochs))

    def step_at_words(self, words: int) -> int:
        return self.first_step_after(super().step_at_words(words))

    def batch(self, step: int, steps: int, rank: int = 0, world: int = 1) -> Rows:
        unit, stage = self.unit(step), self.stage(self.unit(step))
        first, rows = (unit - stage.step) * stage.rows, (self.unit(step + 1) - unit) * stage.rows
        begin, end = first + rows * rank // world, first + rows * (rank + 1) // world
        epochs, numbers = stage.rows_at(begin, end)
        return read_rows(stage.pack, numbers, epochs, step / steps)
