"""Domains in chosen proportions, so that a small domain is not lost among large ones.

Each domain is cycled through by itself, so that after any number of epochs no row of a domain has been seen two times
more than another. An epoch has as many places as all domains have rows together.
"""

from functools import cached_property
from math import inf
from typing import Annotated

import numpy as np
from pydantic import Field

from ...settings import did_you_mean, settings
from ...text.shards.shards import Shards
from ..loader import parse_epochs
from ..order import Order, shuffled_range, shuffled_within


@settings
class Mixed(Order):
    """Domains in fixed or scheduled proportions, or in proportion to their size raised to a power (temperature
    sampling)."""

    shares: dict[str, float | str] | None = None
    """Relative weight of each domain, in any unit: {spoken: 3, wiki: 1}; by epoch as in {spoken: "0:1,2:0.5"}. Domains
    that are not named are left out."""
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    """Instead of shares, temperature sampling: each domain in proportion to its number of rows to this power; 1 is
    proportional, 0 uniform (Conneau et al. 2020, "Unsupervised cross-lingual representation learning at scale", eq. 1,
    where it is α)."""

    def __post_init__(self) -> None:
        if (self.shares is None) == (self.temperature is None):
            raise ValueError("give exactly one of shares and temperature")
        for domain, written in (self.shares or {}).items():
            if not _by_epoch(written) or not all(0 <= share < inf for _, share in _by_epoch(written)):
                raise ValueError(f"shares.{domain}={written!r}: give a number >= 0, or a schedule as in '0:1,2:0.5'")
        if self.shares is not None and not (self.shares and all(shares.any() for _, shares in self._stages)):
            raise ValueError(f"shares={self.shares}: in every epoch some domain must have a share above 0")

    @property
    def covers_every_row(self) -> bool:
        return False

    def groups(self, shards: Shards) -> np.ndarray:
        train = shards.train
        tokens = np.bincount(train.domains, np.diff(train.offsets), len(shards.domains))
        found = [name for name, some in zip(shards.domains, tokens, strict=True) if some]
        for name in self.shares or {}:
            if name not in shards.domains:
                raise ValueError(f"order.shares: no domain {name!r}; {did_you_mean(name, found)}")
            if name not in found:
                raise ValueError(f"order.shares: all documents of {name!r} are held out for validation")
        named = {name: number for number, name in enumerate(self.shares or found)}
        return np.array([named.get(name, -1) for name in shards.domains])[train.domains]

    def rows_at(self, begin: int, end: int, groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        epochs, slots = shuffled_range(begin, end, int(groups[-1]), seed)
        seen, rows = np.empty_like(epochs), np.empty_like(epochs)
        stages = self._quotas(groups)
        firsts, done = [epoch for epoch, _ in stages], np.zeros(len(groups) - 1, np.int64)
        for place, (first, quota) in enumerate(stages):
            if place:
                done += (first - firsts[place - 1]) * stages[place - 1][1]
            ends, here = np.cumsum(quota), np.searchsorted(firsts, epochs, side="right") == place + 1
            group = np.searchsorted(ends, slots, side="right")
            for number in np.unique(group[here]):
                mine = here & (group == number)
                before = done[number] + (epochs[mine] - first) * quota[number]
                turn = before + slots[mine] - (ends[number] - quota[number])
                seen[mine], rows[mine] = shuffled_within(groups, number, turn, seed)
        return seen, rows

    def describe(self, groups: np.ndarray) -> str:
        said = []
        for epoch, quota in self._quotas(groups):
            times = quota / np.diff(groups)
            each = f"each of {len(times)} domains {times.min():.2f} to {times.max():.2f}"
            if self.shares is not None:
                each = ", ".join(f"{name} {often:.2f}" for name, often in zip(self.shares, times, strict=True))
            said.append(f"{f' from epoch {epoch} on' if epoch else ''} {each}")
        return f"times an epoch:{';'.join(said)}"

    @cached_property
    def _stages(self) -> list[tuple[int, np.ndarray]]:
        """(first epoch, [G] float64 shares) for each stage."""
        written = [_by_epoch(share) for share in (self.shares or {}).values()]
        epochs = sorted({epoch for stages in written for epoch, _ in stages})
        return [(now, np.array([[share for e, share in s if e <= now][-1] for s in written])) for now in epochs]

    def _quotas(self, groups: np.ndarray) -> list[tuple[int, np.ndarray]]:
        """(first epoch, [G] int64 rows per domain and epoch) for each stage; they sum to the number of rows."""
        stages = self._stages if self.temperature is None else [(0, np.diff(groups) ** self.temperature)]
        quotas = [(epoch, _rounded(shares / shares.sum() * groups[-1])) for epoch, shares in stages]
        for (_, shares), (_, quota) in zip(stages, quotas, strict=True):
            if (shares > 0)[quota == 0].any():
                number = int(np.flatnonzero((shares > 0) & (quota == 0))[0])
                name = list(self.shares)[number] if self.shares else f"domain {number}"
                raise ValueError(f"order: {name} has too small a share: it gets none of the {groups[-1]} rows")
        return quotas


def _by_epoch(share: float | str) -> list[tuple[int, float]]:
    return parse_epochs(share, int, float)


def _rounded(parts: np.ndarray) -> np.ndarray:
    """`parts` [G] rounded to integers with the same sum: the largest remainders are rounded up."""
    whole = np.floor(parts).astype(np.int64)
    missing = round(parts.sum()) - whole.sum()
    whole[np.argsort(whole - parts, kind="stable")[:missing]] += 1
    return whole
