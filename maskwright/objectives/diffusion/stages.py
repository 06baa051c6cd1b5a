"""Kinds of hiding that a diffusion run can go through, one after the other.

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
    """A share of the tokens, one by one, in clusters."""

    ratio: Share
    """The share."""
    far: Annotated[float, Field(ge=0)]
    """The weight of a token away from hidden ones (p1)."""
    near: Annotated[float, Field(ge=0)]
    """The weight of a token beside a hidden one (p2)."""
    patience: Patience = 5
    """After how many validations without a better loss the next stage begins."""

    def choose(self, word: np.ndarray, noise: Noise) -> np.ndarray:
        """[B, L] int32, 1 where hidden."""
        return sticky(word, _budget(word, self.ratio, noise), noise.keys("cluster"), self.far, self.near)


@settings
class Spans:
    """A share of the tokens in a given number of spans."""

    ratio: Share
    """The share."""
    spans: Annotated[int, Field(ge=1)]
    """How many spans; they keep the ratio."""
    patience: Patience = 5
    """As in Sticky."""

    def choose(self, word: np.ndarray, noise: Noise) -> np.ndarray:
        """[B, L] int32, 1 where hidden."""
        return spread(word, _budget(word, self.ratio, noise), noise.keys("spans"), self.spans)


@settings
class Scattered:
    """Tokens here and there, in each row another share of them, uniform."""

    most: Annotated[float, Field(gt=0, le=1)]
    """The largest share."""
    patience: Patience = 5
    """As in Sticky."""

    def choose(self, word: np.ndarray, noise: Noise) -> np.ndarray:
        """[B, L] int32, 1 or more where hidden."""
        known = count(word)
        budget = np.clip(np.ceil(self.most * low_discrepancy(noise, "scattered") * known), np.minimum(known, 1), known)
        return select_tokens(word, budget.astype(np.int64), np.zeros_like(known), noise.keys("select"))


def _budget(word: np.ndarray, ratio: float, noise: Noise) -> np.ndarray:
    """[B] int64, the ratio of each row's tokens, rounded up or down by address; at least one."""
    known, luck = count(word), noise.uniform("budget", 1).numpy()[:, 0].astype(np.float64)
    return np.clip((ratio * known + luck).astype(np.int64), np.minimum(known, 1), known)
