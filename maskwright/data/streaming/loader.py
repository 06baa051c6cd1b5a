"""Batches from text that comes in blocks, so that training begins when the first is there.

The blocks are read one after the other and, when the corpus has ended, again. A block is shuffled by itself, each time
differently, so its size is part of the address of a row; its last batch is filled up with rows of the same block.
Where a step is in the blocks follows from their numbers of rows, so the step is still all the state there is.
"""

import os
import time
from bisect import bisect_right
from collections.abc import Iterator

from ...noise import address
from ...storage.cache import key
from ..loader import Loader, Stage
from ..order import Order
from ..rows import Rows
from .ahead import Ahead
from .blocks import Blocks, Record

POLL = 0.2
"""Seconds between two looks at whether another process has written a block."""


class StreamLoader(Loader):
    """A loader whose stages are blocks, known as far as they have been read.

    batch_tokens: positions in a batch over all ranks.
    keep: how many of the blocks read last stay on disk, with the first and the one that comes next; None for all.
    """

    scope = " in the first block"

    def __init__(self, blocks: Blocks, batch_tokens: int, seed: int, keep: int | None = None):
        self.blocks, self.seed, self.keep = blocks, seed, keep
        self.rows = batch_tokens // blocks.settings.length
        assert self.rows, f"a batch of {batch_tokens} positions holds no row of {blocks.settings.length}"
        self._ends: list[int] = []
        """The step after the last of each turn, a turn being one pass over one block."""
        self._turn = -1
        """The turn that `stages` holds."""
        self._ahead: Ahead | None = None
        self.stages = [self.stage(0)]

    def stage(self, step: int) -> Stage:
        self._measure(step)
        turn = bisect_right(self._ends, step)
        if turn != self._turn:
            self._turn, self.stages = turn, [self._load(turn)]
        return self.stages[0]

    def epoch(self, step: int) -> float:
        """Whole passes over the corpus before `step`, as far as it has been read: where a pass ends is known then."""
        return self._block(min(bisect_right(self._ends, step - 1), len(self._ends) - 1))[0]

    def step_at_epoch(self, epochs: float) -> int:
        raise AssertionError("the length of a stream is not known")

    def step_at_words(self, words: int) -> int:
        raise AssertionError("the words of a stream are not known")

    def blocks_read(self, step: int) -> str:
        self._measure(step - 1)
        turns = range(bisect_right(self._ends, step - 1) + 1)
        return key([self._record(turn).fingerprint for turn in turns])

    def batches(self, step: int, steps: int, rank: int = 0, world: int = 1) -> Iterator[Rows]:
        """As for a `Loader`; on each machine a process writes the next block while this one is used."""
        self._ahead = Ahead(self.blocks.settings) if _writes() else None
        try:
            yield from super().batches(step, steps, rank, world)
        finally:
            if self._ahead:
                self._ahead.end()
            self._ahead = None

    def _block(self, turn: int) -> tuple[int, int]:
        """The pass over the corpus and the number of the block at a turn."""
        count = self.blocks.count
        return divmod(turn, count) if count else (0, turn)

    def _measure(self, step: int) -> None:
        """Learn where the turns up to that of `step` end; their blocks are written if they never were."""
        while not self._ends or self._ends[-1] <= step:
            begin = self._ends[-1] if self._ends else 0
            self._ends.append(begin + -(-self._record(len(self._ends)).rows // self.rows))

    def _record(self, turn: int) -> Record:
        found = self.blocks.record(self._block(turn)[1])
        if found is None:
            self._written(turn)
            found = self.blocks.record(self._block(turn)[1])  # another number, if the corpus has ended
        assert found
        return found

    def _load(self, turn: int) -> Stage:
        """The rows of a turn; the next block is asked for, and old ones are deleted."""
        self._written(turn)
        epoch, number = self._block(turn)
        pack = self.blocks.load(number)
        if self._ahead:
            self._ahead.ask(self._block(turn + 1)[1])
            self._delete_old(turn)
        begin = self._ends[turn - 1] if turn else 0
        return Stage(pack, epoch, begin, self.rows, Order(), address(self.seed, "block", number))

    def _delete_old(self, turn: int) -> None:
        """Leave the first block, the last `keep` up to a turn, and the next one, which may be written already."""
        if self.keep and _writes():
            recent = {self._block(other)[1] for other in range(max(0, turn - self.keep + 1), turn + 2)}
            self.blocks.keep_only(recent | {0})

    def _written(self, turn: int) -> None:
        """Have the block of a turn on disk, written here or by the process that does so on this machine."""
        while not self.blocks.ready(number := self._block(turn)[1]):
            if self._ahead:
                self._ahead.wait(number)
            elif _writes():
                self.blocks.write(number)
                self._delete_old(turn)
            else:
                time.sleep(POLL)


def _writes() -> bool:
    """Whether this process is the one on its machine that writes blocks."""
    return os.environ.get("LOCAL_RANK", "0") == "0"
