"""Means over seeds, and the differences of arms from a reference with their intervals.

Shapes: S seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .intervals import Interval, intervals
from .other_text import over_documents, over_items
from .results import Run


@dataclass(frozen=True)
class Summary:
    """A metric of an arm over its seeds."""

    metric: str
    arm: str
    mean: float
    deviation: float | None
    """Standard deviation over the seeds (n − 1); None for one seed."""
    seeds: dict[int, float]


@dataclass(frozen=True)
class Difference:
    """A metric of an arm minus that of the reference."""

    metric: str
    arm: str
    reference: str
    mean: float
    seeds: dict[int, float]
    """The difference of each seed that all arms have, of which `mean` is the mean."""
    interval: Interval | None
    """Over seeds, for all arms (and all metrics of the family) at once."""
    over_text: tuple[float, float] | None
    """These very runs on other text of the same kind, 95 %: other documents, or other paradigms and items."""

    @property
    def finding(self) -> bool:
        """Whether seeds do not explain it: its interval excludes 0."""
        return self.interval is not None and self.interval.excludes_zero


def summary(metric: str, arm: str, runs: Mapping[int, Run]) -> Summary:
    """The mean, deviation and values of a metric over seeds."""
    values = {seed: float(run.numbers[metric]) for seed, run in runs.items()}
    column = list(values.values())
    return Summary(metric, arm, float(np.mean(column)), float(np.std(column, ddof=1)) if column[1:] else None, values)


def differences(metric: str, arms: Mapping[str, Mapping[int, Run]], reference: str, level: float) -> list[Difference]:
    """How a metric of each of the `arms` but the reference differs from the reference's, over the seeds that all have.

    level: the confidence of all together. None at all where no seed is common to all.
    """
    seeds = [seed for seed in arms[reference] if all(seed in runs for runs in arms.values())]
    others = [name for name in arms if name != reference]
    if not seeds:
        return []
    rows = [[float(arms[name][seed].numbers[metric]) for seed in seeds] for name in (reference, *others)]
    values = np.array(rows)  # [1 + K, S]
    kept = {name: [arms[name][seed] for seed in seeds] for name in arms}
    return [
        Difference(
            metric, name, reference, float(apart.mean()), dict(zip(seeds, apart.tolist(), strict=True)), interval,
            _over_text(metric, kept[name], kept[reference]),
        )
        for name, apart, interval in zip(others, values[1:] - values[0], intervals(values, level), strict=True)
    ]  # fmt: skip


def _over_text(metric: str, ours: Sequence[Run], theirs: Sequence[Run]) -> tuple[float, float] | None:
    return over_items(metric, ours, theirs) or over_documents(metric, ours, theirs)
