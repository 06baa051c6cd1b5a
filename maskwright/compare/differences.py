"""Means over seeds, and the differences of arms from a reference with their intervals.

Shapes: S seeds, D documents, R resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..evaluate.statistics.bootstrap import percentiles, resampled
from .intervals import Interval, intervals
from .results import Run

RESAMPLES = 1_000


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
    """Mean over the arm's seeds, minus mean over the reference's."""
    seeds: dict[int, float]
    """The difference of each seed that both have."""
    interval: Interval | None
    """Over seeds, for all arms (and all metrics of the family) at once."""
    over_text: tuple[float, float] | None
    """These very runs on other text of the same kind: 95 % by resampled documents of the validation set."""

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
    """How a metric of each of the `arms` but the reference differs from the reference's; `level`: of all together."""
    means = {name: summary(metric, name, runs) for name, runs in arms.items()}
    others = [name for name in arms if name != reference]
    values = {name: np.array(list(each.seeds.values())) for name, each in means.items()}  # [S] each
    found = intervals(values[reference], [values[name] for name in others], level)
    base = means[reference]
    return [
        Difference(
            metric, name, reference, means[name].mean - base.mean,
            {seed: value - base.seeds[seed] for seed, value in means[name].seeds.items() if seed in base.seeds},
            interval, over_documents(metric, list(arms[name].values()), list(arms[reference].values())),
        )
        for name, interval in zip(others, found, strict=True)
    ]  # fmt: skip


def over_documents(metric: str, ours: Sequence[Run], theirs: Sequence[Run]) -> tuple[float, float] | None:
    """The percentile interval of the difference of means when documents are drawn again, the same for all runs.

    None where a run has no such sums. Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13.
    """
    columns = [_columns(metric, run) for run in (*ours, *theirs)]
    if any(column is None or len(column[0]) != len(columns[0][0]) for column in columns):  # type: ignore[index]
        return None
    texts = resampled(len(columns[0][0]), RESAMPLES, "documents")  # type: ignore[index]  # [R, D]
    values = np.stack([texts @ total / (texts @ weight) for total, weight in columns], 1)  # type: ignore[misc]
    return percentiles(values[:, : len(ours)].mean(1) - values[:, len(ours) :].mean(1))


def _columns(metric: str, run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """A metric's sum over each document and the weights to divide by, both [D] float64."""
    exam, slash, name = metric.rpartition("/")
    per_byte = name == "bits_per_byte"
    total = run.documents.get(f"{exam}{slash}{'loss' if per_byte else name}")
    if total is None:
        return None
    scale = run.numbers[metric] / run.numbers[f"{exam}{slash}loss"] if per_byte else 1.0
    return scale * total, run.documents[f"{exam}{slash}weight"]
