"""Batches as a function of the step. The loader's only state is the step; it prefetches, but draws nothing.

A schedule of row lengths is several packs of the same text, each from some epoch on. Batch size is counted in tokens,
so shorter rows come in larger batches. Ranks and micro-batches are slices of the batch that a single process would see.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice, pairwise, repeat
from math import inf
from typing import TypeVar

import numpy as np
import torch

from ..files.errors import short_repr
from ..progress import through
from ..settings.bounds import MOST_EPOCHS, MOST_SIZE
from .order import Order
from .pack import Pack
from .rows import Rows

Epoch = TypeVar("Epoch", int, float)
Number = TypeVar("Number", int, float)


def parse_epochs(
    written: float | str, epoch: Callable[[str], Epoch], number: Callable[[str], Number]
) -> list[tuple[Epoch, Number]]:
    """(first epoch, number) pairs of `128` or `0:64,5:256`; empty when malformed."""
    text = str(written)
    try:
        pairs = [part.split(":") for part in text.split(",")] if ":" in text else [["0", text]]
        found = [(epoch(first), number(second)) for first, second in pairs]
    except ValueError:
        return []
    epochs = [first for first, _ in found]
    return found if epochs[0] == 0 and all(before < after < inf for before, after in pairwise(epochs)) else []


def length_schedule(length: int | str) -> list[tuple[int, int]]:
    """(first epoch, row length) of each stage of `128` or `0:64,5:256`. Raises ValueError on anything else."""
    stages = parse_epochs(length, int, int)
    if not stages or not all(epoch <= MOST_EPOCHS and 3 <= positions <= MOST_SIZE for epoch, positions in stages):
        raise ValueError(
            f"rows.length={short_repr(length)}: give 3 to {MOST_SIZE:,} positions as in 128, or a schedule as in "
            "0:64,5:256"
        )
    return stages


@dataclass(frozen=True)
class Stage:
    """A part of the run with one row length."""

    pack: Pack
    epoch: int
    """Its first epoch."""
    step: int
    """Its first step."""
    rows: int
    """Rows per batch."""
    order: Order
    seed: int

    def rows_at(self, begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """The epoch and the row number at places `begin` to `end` of the stage, [N] int64 each."""
        before = self.epoch * len(self.pack)
        return self.order.rows_at(before + begin, before + end, self.pack.groups, self.seed)

    def words(self, rows: int) -> int:
        """Whitespace-separated words in the first `rows` rows of the stage."""
        epochs, rest = divmod(rows, len(self.pack))
        return sum(islice(self._totals(), epochs)) + int(self._running(epochs)[:rest][-1:].sum())

    def seen(self, words: int) -> int:
        """Number of rows after which `words` words have been seen.

        Raises ValueError when that is more epochs than a run may have.
        """
        whole = int(self._running(0)[-1])
        if words > MOST_EPOCHS * whole:
            raise ValueError(
                f"{words:,} words are more than {MOST_EPOCHS:,} epochs of this text, which has {whole:,}: give fewer"
            )
        for epoch, total in enumerate(self._totals()):
            if words <= total:
                within = 1 + int(np.searchsorted(self._running(epoch), words)) if words else 0
                return epoch * len(self.pack) + within
            words -= total
        raise AssertionError("epochs have no end")

    @cached_property
    def _counted(self) -> list[int]:
        """Words of the epochs counted so far."""
        return []

    def _totals(self) -> Iterator[int]:
        """Words of each epoch in turn."""
        if self.order.covers_every_row:
            yield from repeat(int(self.pack.words.sum()))
        for epoch in count():
            if epoch == len(self._counted):
                self._counted.append(int(self._running(epoch)[-1]))
            yield self._counted[epoch]

    def _running(self, epoch: int) -> np.ndarray:
        """[R] int64, cumulative words over the rows of an epoch."""
        begin, end = epoch * len(self.pack), (epoch + 1) * len(self.pack)
        return np.cumsum(self.pack.words[self.rows_at(begin, end)[1]])


def read_rows(pack: Pack, rows: np.ndarray, epochs: np.ndarray, progress: float) -> Rows:
    """Read rows by number ([B] int64), each in its epoch ([B] int64). progress: part of the run done, in [0, 1]."""
    shape = len(rows), pack.length
    tokens, document, word = (torch.empty(shape, dtype=kind) for kind in (torch.int64, torch.int32, torch.int32))
    pack.gather(rows, tokens.numpy(), document.numpy(), word.numpy())
    ids = torch.from_numpy(pack.first + rows | pack.length << 32)  # the same text cut to another length is another row
    return Rows(tokens, document, word, ids, torch.from_numpy(epochs), progress, pack.vocabulary, pack)


class Loader:
    """The training batches of a run.

    packs: (first epoch, pack) of each stage, in order, the first from epoch 0.
    batch_tokens: positions in a batch over all ranks; at least the longest row.
    order: the order of rows; shuffled by default.
    """

    scope = ""
    """Of which part of the text the rows of `stages` are, where it is not all."""

    def __init__(self, packs: list[tuple[int, Pack]], batch_tokens: int, seed: int, order: Order | None = None):
        step = 0
        self.stages: list[Stage] = []
        ends = [epoch for epoch, _ in packs[1:]] + [packs[-1][0]]
        for (epoch, pack), end in zip(packs, ends, strict=True):
            rows = batch_tokens // pack.length
            assert rows, f"a batch of {batch_tokens} positions holds no row of {pack.length}"
            self.stages.append(Stage(pack, epoch, step, rows, order or Order(), seed))
            step += -(-(end - epoch) * len(pack) // rows)

    def stage(self, step: int) -> Stage:
        """The stage that contains `step`."""
        return max((stage for stage in self.stages if stage.step <= step), key=lambda stage: (stage.step, stage.epoch))

    def epoch(self, step: int) -> float:
        """Epochs completed before `step`, fractional."""
        stage = self.stage(step)
        return stage.epoch + (step - stage.step) * stage.rows / len(stage.pack)

    def step_at_epoch(self, epochs: float) -> int:
        """The first step at which at least `epochs` epochs are done."""
        stage = max((stage for stage in self.stages if stage.epoch <= epochs), key=lambda stage: stage.epoch)
        return stage.step + int(np.ceil((epochs - stage.epoch) * len(stage.pack) / stage.rows))

    def step_at_words(self, words: int) -> int:
        """The first step before which at least `words` whitespace-separated words have been seen."""
        stage = self.stages[0]
        for following in self.stages[1:]:
            here = stage.words((following.step - stage.step) * stage.rows)
            if words <= here:
                break
            words, stage = words - here, following
        return stage.step + -(-stage.seen(words) // stage.rows)

    def first_step_after(self, batches: int) -> int:
        """The first step before which so many batches of the first size were seen."""
        return batches

    def blocks_read(self, step: int) -> str:
        """A hash of the blocks that were read before `step`, where the text comes in blocks."""
        return ""

    def batch(self, step: int, steps: int, rank: int = 0, world: int = 1) -> Rows:
        """The rows that `rank` of `world` gets at `step` of `steps`."""
        stage = self.stage(step)
        place = (step - stage.step) * stage.rows
        begin, end = place + stage.rows * rank // world, place + stage.rows * (rank + 1) // world
        epochs, rows = stage.rows_at(begin, end)
        return read_rows(stage.pack, rows, epochs, step / steps)

    def batches(self, step: int, steps: int, rank: int = 0, world: int = 1) -> Iterator[Rows]:
        """The batches from `step` to the end of a run of `steps`; the next one is read while this one is used."""
        with ThreadPoolExecutor(1, thread_name_prefix="maskwright-loader") as reader:
            ahead = reader.submit(self.batch, step, steps, rank, world)
            for following in range(step + 1, steps + 1):
                rows, ahead = ahead.result(), reader.submit(self.batch, following, steps, rank, world)
                yield rows


def validation_batches(pack: Pack, rows: int, stride: int = 1) -> Iterator[Rows]:
    """Every `stride`-th row of a pack in order, `rows` at a time: the same every time, so that validation losses are
    comparable.

    They are in epoch 0, with progress 1.
    """
    chosen = np.arange(0, len(pack), stride)
    for numbers in through(np.split(chosen, range(rows, len(chosen), rows))):
        yield read_rows(pack, numbers, np.zeros_like(numbers), 1.0)
