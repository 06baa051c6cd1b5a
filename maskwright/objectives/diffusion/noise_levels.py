"""How much of a row diffusion hides: the law of the ratio, as a table, and a number for each row that fills it evenly.

Shapes: B rows, N positions of a row that can be hidden.
"""

from collections.abc import Callable
from functools import cache
from math import erf, sqrt
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ...settings import settings
from ...settings.schedule import Share

GRID = np.linspace(0, 1, 4097)
EPSILON = 1e-3
"""What the log-linear schedule leaves unmasked at t = 1."""

LAWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda ratio: ratio,
    "cosine": lambda ratio: np.arccos(1 - ratio) * 2 / np.pi,
    "log_linear": lambda ratio: np.minimum(ratio / (1 - EPSILON), 1.0),
}
"""The time t at which a schedule has hidden a ratio, which is the chance of a smaller one: 1 - α = t (LLaDA), α =
cos(πt/2) and α = 1 - (1 - ε) t (MDLM: Sahoo et al. 2024)."""


@settings
class Mode:
    """A bell of likely ratios."""

    mean: Share
    """Its middle."""
    spread: Annotated[float, Field(gt=0)] = 0.1
    """Its standard deviation, before what lies outside (0, 1) is cut off."""
    share: Annotated[float, Field(gt=0)] = 1.0
    """Its weight beside the others."""

    def below(self, ratio: np.ndarray) -> np.ndarray:
        """The share of the rows with a smaller ratio, in this bell."""
        reached = np.array([erf((x - self.mean) / (self.spread * sqrt(2))) for x in ratio])
        return self.share * (reached - reached[0]) / (reached[-1] - reached[0])


Schedule = Literal["linear", "cosine", "log_linear"] | tuple[Mode, ...]


@cache
def ladder(schedule: Schedule) -> np.ndarray:
    """[4097] float64, the chance of a ratio below (1 - guaranteed_unmasked) · GRID."""
    if isinstance(schedule, str):
        return LAWS[schedule](GRID)
    found = sum(mode.below(GRID) for mode in schedule)
    return found / found[-1]  # type: ignore[index]


@settings
class Levels:
    """The law of the ratio of a row."""

    schedule: Schedule = "linear"
    """How the share of hidden tokens grows with time; or the modes of its law, `[{mean: 0.15}, {mean: 0.7}]`."""
    guaranteed_unmasked: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of a row that always stays visible."""

    def counts(self, positions: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many of `positions` [B] are hidden at `u` [B] in [0, 1), at least one; and the chance of that number.

        [B] int64 and [B] float64.
        """
        most = 1 - self.guaranteed_unmasked
        ratio = np.interp(u, ladder(self.schedule), GRID) * most
        many = np.clip(np.ceil(ratio * positions), 1, positions).astype(np.int64)
        size = np.maximum(positions, 1) * most
        high, low = (np.interp(number / size, GRID, ladder(self.schedule)) for number in (many, many - 1))
        return many, np.maximum(high - low, 1e-12)
