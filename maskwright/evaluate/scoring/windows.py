"""Texts longer than the model's maximum, read in overlapping windows.

Each token is scored once, in the window with the most context: at the end of a window for causal models, in the middle
for bidirectional ones. A word is not split between windows unless it is longer than one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BEFORE = {"causal": 1.0, "backward": 0.0}
"""By backend: the share of a window's context that lies before the scored tokens; 0.5 for all others."""


@dataclass(frozen=True)
class Windows:
    """Raises ValueError when the stride does not fit the window."""

    length: int
    """Positions of a window, [CLS] included."""
    stride: int
    """Tokens scored per window."""
    before: float
    """Share of the other tokens that lies before the scored ones."""

    def __post_init__(self) -> None:
        if not 1 <= self.stride < self.length:
            raise ValueError(
                f"stride={self.stride}: a window of {self.length} positions scores 1 to {self.length - 1} tokens"
            )

    def over(self, ids: np.ndarray, word: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Windows over ids [N] int64 from [CLS] on, N ≥ `length`, and their words as in Rows, 0 where not scored."""
        room = self.length - 1
        asked: dict[int, np.ndarray] = {}
        for first, last in self._regions(word):
            spare = room - (last - first)
            begin = min(max(first - round(spare * self.before), 1), len(ids) - room)
            here = asked.setdefault(begin, np.zeros(room, word.dtype))
            here[first - begin : last - begin] = word[first:last]
        return [(np.r_[ids[:1], ids[begin : begin + room]], np.r_[word[:1], here]) for begin, here in asked.items()]

    def _regions(self, word: np.ndarray) -> Iterator[tuple[int, int]]:
        """The first position of each stretch that one window scores, and the one after its last."""
        first = 1
        while first < len(word):
            last = end = min(first + self.stride, len(word))
            while first < last < len(word) and word[last] > 0 and word[last] == word[last - 1]:
                last -= 1
            yield first, last if last > first else end
            first = last if last > first else end
