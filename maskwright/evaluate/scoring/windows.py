"""A text that is longer than a model takes, read in windows that overlap.

Each token is asked for once, where it has the most to go by: at the end of a window if what comes before is all that is
seen, in the middle if both sides are. No window asks for a part of a word that fits in it whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BEFORE = {"causal": 1.0, "backward": 0.0}
"""By backend: of what a window shows of the neighbourhood, the share that stands before; of others half."""


@dataclass(frozen=True)
class Windows:
    """Raises ValueError when a window cannot hold as much as it asks for."""

    length: int
    """Positions of a window, [CLS] included."""
    stride: int
    """How many tokens a window asks for."""
    before: float
    """Of the others in it, the share that stands before those."""

    def __post_init__(self) -> None:
        if not 1 <= self.stride < self.length:
            raise ValueError(
                f"stride={self.stride}: a window of {self.length} positions asks for 1 to {self.length - 1} tokens"
            )

    def over(self, ids: np.ndarray, word: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Windows over ids [N] int64 that begin with [CLS], and their words as in Rows, 0 for what is not asked for.

        N is at least `length`.
        """
        room = self.length - 1
        asked: dict[int, np.ndarray] = {}
        for first, last in self._regions(word):
            spare = room - (last - first)
            begin = min(max(first - round(spare * self.before), 1), len(ids) - room)
            here = asked.setdefault(begin, np.zeros(room, word.dtype))
            here[first - begin : last - begin] = word[first:last]
        return [(np.r_[ids[:1], ids[begin : begin + room]], np.r_[word[:1], here]) for begin, here in asked.items()]

    def _regions(self, word: np.ndarray) -> Iterator[tuple[int, int]]:
        """The first place of each stretch that is asked for at once, and the one after its last."""
        first = 1
        while first < len(word):
            last = end = min(first + self.stride, len(word))
            while first < last < len(word) and word[last] > 0 and word[last] == word[last - 1]:
                last -= 1
            yield first, last if last > first else end
            first = last if last > first else end
