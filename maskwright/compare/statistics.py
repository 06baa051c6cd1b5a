"""Means over seeds, and confidence intervals of differences.

Shapes: S seeds, D documents, R resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..evaluate.statistics.bootstrap import LEVEL, resampled
from .results import Run

OVER_SEEDS = 10_000
OVER_TEXT = 1_000
"""Resamples of each bootstrap."""
Interval = tuple[float, float]


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
    """A metric of an arm minus that of another, over their common seeds."""

    metric: str
    arm: str
    reference: str
    mean: float
    seeds: dict[int, float]
    bootstrap: Interval | None
    """Percentile bootstrap of the mean over paired seeds."""
    bootstrap_documents: Interval | None
    """The same, resampling the documents of the validation set as well."""
    student: Interval | None
    """Student's t interval of the mean. With few seeds it is the valid one: a bootstrap of few values is too narrow."""

    @property
    def beyond_seeds(self) -> bool:
        """Whether it is significant over seeds: Student's 95 % interval excludes 0."""
        return self.student is not None and (self.student[0] > 0 or self.student[1] < 0)


def summary(metric: str, arm: str, runs: Mapping[int, Run]) -> Summary:
    """The mean, deviation and values of a metric over seeds."""
    values = {seed: float(run.numbers[metric]) for seed, run in runs.items()}
    column = list(values.values())
    return Summary(metric, arm, float(np.mean(column)), float(np.std(column, ddof=1)) if column[1:] else None, values)


def difference(metric: str, arm: Mapping[int, Run], reference: Mapping[int, Run]) -> Difference | None:
    """How the metric of one arm differs from that of another; None if they have no common seed."""
    shared = [seed for seed in arm if seed in reference]
    if not shared:
        return None
    ours, theirs = [arm[seed] for seed in shared], [reference[seed] for seed in shared]
    each = np.array([a.numbers[metric] - b.numbers[metric] for a, b in zip(ours, theirs, strict=True)])  # [S]
    return Difference(
        metric, ours[0].arm, theirs[0].arm, float(each.mean()), dict(zip(shared, each.tolist(), strict=True)),
        over_seeds(each), over_documents(metric, ours, theirs), student(each),
    )  # fmt: skip


def _percentiles(means: np.ndarray) -> Interval:
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return low, high


def over_seeds(each: np.ndarray) -> Interval | None:
    """The percentile interval of the mean of the paired differences `each` [S]; none of one seed.

    Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13.
    """
    return _percentiles(resampled(len(each), OVER_SEEDS, "seeds") @ each / len(each)) if len(each) > 1 else None


def over_documents(metric: str, ours: Sequence[Run], theirs: Sequence[Run]) -> Interval | None:
    """The percentile interval when seeds and documents are both drawn again; none where a run has no such sums.

    Both models of a pair answer about the same documents, in every resample.
    """
    columns = [_columns(metric, run) for run in (*ours, *theirs)]
    if any(column is None or len(column[0]) != len(columns[0][0]) for column in columns):  # type: ignore[index]
        return None
    texts = resampled(len(columns[0][0]), OVER_TEXT, "documents")  # type: ignore[index]  # [R, D]
    values = np.stack([texts @ total / (texts @ weight) for total, weight in columns], 1)  # type: ignore[misc]
    each = values[:, : len(ours)] - values[:, len(ours) :]  # [R, S]
    seeds = resampled(len(ours), OVER_TEXT, "seeds")
    return _percentiles((seeds * each).sum(1) / len(ours))


def _columns(metric: str, run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """A metric's sum over each document and the weights to divide by, both [D] float64."""
    exam, slash, name = metric.rpartition("/")
    per_byte = name == "bits_per_byte"
    total = run.documents.get(f"{exam}{slash}{'loss' if per_byte else name}")
    if total is None:
        return None
    scale = run.numbers[metric] / run.numbers[f"{exam}{slash}loss"] if per_byte else 1.0
    return scale * total, run.documents[f"{exam}{slash}weight"]


def student(each: np.ndarray) -> Interval | None:
    """Student's t interval of the mean of `each` [S]; None for one seed."""
    if len(each) < 2:
        return None
    reach = quantile(len(each) - 1) * float(each.std(ddof=1)) / len(each) ** 0.5
    return float(each.mean()) - reach, float(each.mean()) + reach


def quantile(freedom: int, level: float = LEVEL) -> float:
    """The two-sided quantile of Student's t with `freedom` degrees of freedom.

    With t = sqrt(freedom) tan a, the density of a is proportional to cos(a)^(freedom - 1); integrated numerically.
    """
    angle = np.linspace(0, np.pi / 2, 200_001)
    density = np.cos(angle) ** (freedom - 1)
    mass = np.concatenate([[0], np.cumsum(density[1:] + density[:-1])])
    return float(freedom**0.5 * np.tan(np.interp(level, mass / mass[-1], angle)))
