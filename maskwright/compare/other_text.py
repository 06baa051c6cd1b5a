"""What the same runs would show on other text: bootstraps that draw texts again, the same ones for all runs.

Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13; seeds are not drawn, see `intervals`.
Shapes: D documents, N items, P paradigms, R resamples.
"""

from collections.abc import Sequence

import numpy as np

from ..evaluate.statistics.bootstrap import percentiles, resampled
from ..noise import address
from .results import Run

RESAMPLES = 1_000


def over_items(metric: str, ours: Sequence[Run], theirs: Sequence[Run]) -> tuple[float, float] | None:
    """The percentile interval of the difference of a suite's accuracies, on other paradigms with other items in each.

    None where a run's items were not kept, or are others.
    """
    suite = metric.removesuffix("/accuracy")
    kept = [run.items(suite) for run in (*ours, *theirs)]
    first = kept[0]
    if first is None or not all(one is not None and np.array_equal(one.paradigm, first.paradigm) for one in kept):
        return None
    credit = np.array([one.credit for one in kept if one is not None])  # [runs, N]
    change = credit[: len(ours)].mean(0) - credit[len(ours) :].mean(0)  # [N]
    _, place = np.unique(first.paradigm, return_inverse=True)
    return percentiles(_means([change[place == one] for one in range(place.max() + 1)]))


def _means(paradigms: Sequence[np.ndarray]) -> np.ndarray:
    """[R] float64, means over P paradigms drawn with replacement, of as many items of each, drawn likewise."""
    draw = np.random.default_rng(address(0, "bootstrap items", len(paradigms)))
    drawn = draw.integers(len(paradigms), size=(RESAMPLES, len(paradigms)))  # [R, P]
    found = np.empty(drawn.shape)
    for place, items in enumerate(paradigms):
        values, counts = np.unique(items, return_counts=True)
        mine = drawn == place
        found[mine] = draw.multinomial(len(items), counts / len(items), size=int(mine.sum())) @ values / len(items)
    return np.asarray(found.mean(1))


def over_documents(metric: str, ours: Sequence[Run], theirs: Sequence[Run]) -> tuple[float, float] | None:
    """The percentile interval of the difference of means when documents are drawn again, the same for all runs.

    None where a run has no such sums.
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
