"""Masking patterns that a diffusion run can go through, one after the other.

Shapes: B rows, L positions.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from ...masking.select import count, select_tokens
from ...noise import Noise, low_discrepancy
from ...settings import settings
from ...settings.schedule import Share
from .clusters import spread, sticky

Patience = Annotated[int, Field(ge=1)]


@settings
class Sticky:
    """A fraction of the tokens, masked in clusters."""

    ratio: Share
    """The mask ratio."""
    far: Annotated[float, Field(ge=0)]
    """The weight of a token away from masked ones (p1)."""
    near: Annotated[float, Field(ge=0)]
    """The weight of a token beside a masked one (p2)."""
    patience: Patience = 5
    """How many validations without a better loss before the next stage begins."""

    def choose(self, word: np.ndarray, noise: Noise) -> np.ndarray:
        """[B, L] int32, 1 where masked."""
        return sticky(word, _budget(word, self.ratio, noise), noise.keys("cluster"), self.far, self.near)


@settings
class Spans:
    """A fraction of the tokens, in a given number of spans."""

    ratio: Share
    """The mask ratio."""
    spans: Annotated[int, Field(ge=1)]
    """Number of spans, whatever the ratio."""
    patience: Patience = 5
    """As in Sticky."""

    def choose(self, word: np.ndarray, noise: Noise) -> np.ndarray:
        """[B, L] int32, 1 where masked."""
        return spread(word, _budget(word, self.ratio, noise), noise.keys("spans"), self.spans)


@settings
class Scattered:
    """Single tokens, with a mask ratio drawn uniformly for each row."""

    max_ratio: Annotated[float, Field(gt=0, le=1)]
    """The upper bound of the ratio."""
    patience: Patience = 5
    """As in Sticky."""

    def choose(self, word: np.ndarray, noise: Noise) -> np.ndarray:
        """[B, L] int32, 1 or more where masked."""
        n = count(word)
        budget = np.clip(np.ceil(self.max_ratio * low_discrepancy(noise, "scattered") * n), np.minimum(n, 1), n)
        return select_tokens(word, budget.astype(np.int64), np.zeros_like(n), noise.keys("select"))


def _budget(word: np.ndarray, ratio: float, noise: Noise) -> np.ndarray:
    """[B] int64, the ratio of each row's tokens, rounded up or down at random; at least one."""
    n, u = count(word), noise.uniform("budget", 1).numpy()[:, 0].astype(np.float64)
    return np.clip((ratio * n + u).astype(np.int64), np.minimum(n, 1), n)
