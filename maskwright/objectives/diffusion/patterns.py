"""Masking patterns of diffusion in place of its schedule: clusters, spans, or single tokens.

Shapes: B rows, L positions.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from ...masking.select import count, select_tokens
from ...noise import Noise, low_discrepancy
from ...settings import settings
from ...settings.bounds import Size
from ...settings.schedule import Ratio, Scheduled, value, whole
from .clusters import spread, sticky

Weight = Annotated[float, Field(ge=0)]


@settings
class Sticky:
    """A fraction of the tokens, masked in clusters."""

    ratio: Ratio
    """The mask ratio, or a schedule of it."""
    far: Scheduled[Weight]
    """The weight of a token away from masked ones (p1), or a schedule of it."""
    near: Scheduled[Weight]
    """The weight of a token beside a masked one (p2), or a schedule of it."""

    def choose(self, word: np.ndarray, noise: Noise, progress: float) -> np.ndarray:
        """[B, L] int32, 1 where masked."""
        far, near = value(self.far, progress), value(self.near, progress)
        return sticky(word, _budget(word, value(self.ratio, progress), noise), noise.keys("cluster"), far, near)


@settings
class Spans:
    """A fraction of the tokens, in a given number of spans."""

    ratio: Ratio
    """The mask ratio, or a schedule of it."""
    spans: Scheduled[Size]
    """Number of spans, whatever the ratio, or a schedule of it."""

    def choose(self, word: np.ndarray, noise: Noise, progress: float) -> np.ndarray:
        """[B, L] int32, 1 where masked."""
        budget = _budget(word, value(self.ratio, progress), noise)
        return spread(word, budget, noise.keys("spans"), whole(self.spans, progress))


@settings
class Scattered:
    """Single tokens, with a mask ratio drawn uniformly for each row."""

    max_ratio: Scheduled[Annotated[float, Field(gt=0, le=1)]]
    """The upper bound of the ratio, or a schedule of it."""

    def choose(self, word: np.ndarray, noise: Noise, progress: float) -> np.ndarray:
        """[B, L] int32, 1 or more where masked."""
        n = count(word)
        max_ratio = value(self.max_ratio, progress)
        budget = np.clip(np.ceil(max_ratio * low_discrepancy(noise, "scattered") * n), np.minimum(n, 1), n)
        return select_tokens(word, budget.astype(np.int64), np.zeros_like(n), noise.keys("select"))


def _budget(word: np.ndarray, ratio: float, noise: Noise) -> np.ndarray:
    """[B] int64, the ratio of each row's tokens, rounded up or down at random; at least one."""
    n, u = count(word), noise.uniform("budget", 1).numpy()[:, 0].astype(np.float64)
    return np.clip((ratio * n + u).astype(np.int64), np.minimum(n, 1), n)
