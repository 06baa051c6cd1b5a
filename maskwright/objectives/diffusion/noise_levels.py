"""How much of a row diffusion masks: the distribution of the mask ratio as a tabulated CDF, which is inverted per row.

Shapes: B rows, N maskable positions of a row.
"""

from collections.abc import Callable
from functools import cache
from math import erf, sqrt
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from ...settings import settings
from ...settings.schedule import Scheduled, Share, value

GRID = np.linspace(0, 1, 4097)
EPSILON = 1e-3
"""What the log-linear schedule leaves unmasked at t = 1."""

CDFS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda ratio: ratio,
    "cosine": lambda ratio: np.arccos(1 - ratio) * 2 / np.pi,
    "log_linear": lambda ratio: np.minimum(ratio / (1 - EPSILON), 1.0),
}
"""The time t at which a schedule reaches a mask ratio, which is the CDF of the ratio for uniform t: 1 - α = t (LLaDA),
α = cos(πt/2) and α = 1 - (1 - ε) t (MDLM: Sahoo et al. 2024)."""


@settings
class Mode:
    """A truncated normal distribution of ratios."""

    mean: Share
    """Its mean before truncation."""
    spread: Annotated[float, Field(gt=0)] = 0.1
    """Its standard deviation, before truncation to (0, 1)."""
    share: Annotated[float, Field(gt=0)] = 1.0
    """Its weight in the mixture."""

    def below(self, ratio: np.ndarray) -> np.ndarray:
        """Its weighted CDF."""
        cdf = np.array([erf((x - self.mean) / (self.spread * sqrt(2))) for x in ratio])
        return self.share * (cdf - cdf[0]) / (cdf[-1] - cdf[0])


Schedule = Literal["linear", "cosine", "log_linear"] | tuple[Mode, ...]


@cache
def tabulated_cdf(schedule: Schedule) -> np.ndarray:
    """[4097] float64, the probability of a ratio below (1 - guaranteed_unmasked) · GRID."""
    if isinstance(schedule, str):
        return CDFS[schedule](GRID)
    total = sum(mode.below(GRID) for mode in schedule)
    return total / total[-1]  # type: ignore[index]


@settings
class Levels:
    """The distribution of the mask ratio of a row."""

    schedule: Schedule = "linear"
    """How the mask ratio grows with time; or the modes of its distribution, `[{mean: 0.15}, {mean: 0.7}]`."""
    guaranteed_unmasked: Scheduled[Annotated[float, Field(ge=0, lt=1)]] = 0.0
    """The fraction of a row that always stays visible, or a schedule of it."""

    def level(self, u: np.ndarray, progress: float) -> tuple[np.ndarray, np.ndarray]:
        """The mask ratio at quantile `u` [B] in [0, 1), and its density; [B] float64 each."""
        max_ratio, cdf = 1 - value(self.guaranteed_unmasked, progress), tabulated_cdf(self.schedule)
        ratio = np.interp(u, cdf, GRID)
        cell = np.clip(np.searchsorted(GRID, ratio, "right") - 1, 0, len(GRID) - 2)
        return ratio * max_ratio, np.maximum(np.diff(cdf)[cell] / np.diff(GRID)[cell], 1e-12) / max_ratio

    def counts(self, positions: np.ndarray, u: np.ndarray, progress: float) -> tuple[np.ndarray, np.ndarray]:
        """How many of `positions` [B] are masked at quantile `u` [B] in [0, 1), at least one; and its probability.

        [B] int64 and [B] float64.
        """
        max_ratio = 1 - value(self.guaranteed_unmasked, progress)
        ratio = np.interp(u, tabulated_cdf(self.schedule), GRID) * max_ratio
        k = np.clip(np.ceil(ratio * positions), 1, positions).astype(np.int64)
        size = np.maximum(positions, 1) * max_ratio
        high, low = (np.interp(number / size, GRID, tabulated_cdf(self.schedule)) for number in (k, k - 1))
        return k, np.maximum(high - low, 1e-12)  # the weight divides by it
