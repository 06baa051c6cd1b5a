"""Minimal pairs and multiple choice: how often the right text scores highest, with confidence intervals.

A tie between n texts counts 1 / n, and NaN is a failure. The official BabyLM evaluation of 2026 draws among equal
scores, which is 1 / n on average, and takes NaN as −∞, so that a text alone with a number wins; that of 2025 took the
argmax, in which the first of equal scores (and any NaN) won, and the right text always came first. The official figure
is given as `official` where it differs from ours.

Shapes: N items, at most T texts in each.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import Literal

import numpy as np

from ...noise import address
from .scorer import Scorer, Scores, Text

Rules = Literal[2026, 2025]
"""The year of the official evaluation."""


@dataclass(frozen=True)
class Item:
    """One question: texts of which the first is right."""

    texts: tuple[Text, ...]
    """The first is right."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """The groups it belongs to, `{"field": "syntax", "paradigm": "passive_1"}`; the overall mean is over the last."""

    @property
    def paradigm(self) -> str:
        return list(self.groups.values())[-1]


@dataclass(frozen=True)
class ItemResults:
    """The scores of N items, and what follows from them."""

    items: Sequence[Item]
    scores: np.ndarray
    """[N, T] float64; -inf where an item has fewer texts."""
    rules: Rules = 2026
    """By which `official` and `chosen` follow."""

    @property
    def failed(self) -> np.ndarray:
        """[N] bool, whether a score is NaN."""
        return np.isnan(self.scores).any(1)

    @property
    def credit(self) -> np.ndarray:
        """[N] float64: 1 where the right text scores highest, 1 / n in an n-way tie, else 0."""
        best = self.scores == self.scores.max(1, keepdims=True)
        return np.where(self.failed, 0.0, best[:, 0] / np.maximum(best.sum(1), 1))

    @property
    def tied(self) -> np.ndarray:
        """[N] bool, whether the right text ties for the highest score."""
        return (self.credit > 0) & (self.credit < 1)

    @property
    def official(self) -> np.ndarray:
        """[N] float64: how often the official evaluation chooses the right text, on average over its draws."""
        if self.rules == 2025:
            return (self.chosen == 0).astype(np.float64)
        return self._drawn_from[:, 0] / self._drawn_from.sum(1)

    @property
    def chosen(self) -> np.ndarray:
        """[N] int64, an official choice: of 2026 one of the greatest scores, drawn by the number of the item."""
        if self.rules == 2025:
            return self.scores.argmax(1)
        among = self._drawn_from
        luck = np.random.default_rng(address(0, "ties", len(among))).random(len(among))
        return (among.cumsum(1) > np.floor(luck * among.sum(1))[:, None]).argmax(1)

    @cached_property
    def _drawn_from(self) -> np.ndarray:
        """[N, T] bool, the texts with the greatest score of their item, NaN being −∞."""
        scores = np.where(np.isnan(self.scores), -np.inf, self.scores)
        counts = np.array([len(item.texts) for item in self.items])
        inside = np.arange(scores.shape[1]) < counts[:, None]
        return inside & (scores == scores.max(1, keepdims=True))


class Accuracies(dict[str, float]):
    """The metrics of a suite of items, and what each item counted, from which other items are drawn."""

    paradigm: np.ndarray
    """[N] str, of each item."""
    credit: np.ndarray
    """[N] float64, of each item; see `ItemResults`."""


def score_items(scorer: Scorer, items: Sequence[Item], per: str = "text", rules: Rules = 2026) -> list[ItemResults]:
    """The results for `items` at each temperature of the scorer, by log-likelihood per text, token or byte."""
    scores = scorer(text for item in items for text in item.texts)
    return item_results(items, scores, per, rules)


def item_results(items: Sequence[Item], scores: Scores, per: str = "text", rules: Rules = 2026) -> list[ItemResults]:
    """The results at each temperature, from the scores of all texts of all items in order."""
    counts = np.array([len(item.texts) for item in items])
    inside = np.arange(counts.max()) < counts[:, None]  # [N, T]
    table = np.full((len(scores.total), *inside.shape), -np.inf)
    table[:, inside] = scores.per(per)
    return [ItemResults(items, one, rules) for one in table]


def wilson(share: float, count: float, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of `count` trials (Wilson 1927, "Probable inference", eq. 5)."""
    middle, half = share + z * z / (2 * count), z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    low, high = ((middle + sign * half) / (1 + z * z / count) for sign in (-1, 1))
    return min(max(low, 0.0), share), max(
        min(high, 1.0), share
    )  # rounding can put the bounds on the wrong side at 0 and 1


def accuracies(found: ItemResults, over: str = "") -> Accuracies:
    """Accuracy with its 95 % interval, overall and by group.

    `accuracy` is the mean over paradigms, or over the groups `over` of the means over their paradigms, as in the
    official evaluation; `field/syntax/accuracy` … are means over items. `…/official` is given where the official
    figure differs.
    """
    paradigms = np.array([item.paradigm for item in found.items])
    means, weights = _by(paradigms, found), _weights(found.items, over)
    share, official = (sum(weights[name] * mean[i] for name, mean in means.items()) for i in (0, 1))
    count = 1 / sum(weights[name] ** 2 / mean[2] for name, mean in means.items())
    numbers = _row("", share, official, count, len(found.items))
    numbers |= {"ties": int(found.tied.sum()), "failures": int(found.failed.sum())}
    for group in found.items[0].groups:
        values = np.array([item.groups[group] for item in found.items])
        for value, (share, official, count) in _by(values, found).items():
            numbers |= _row(f"{group}/{value}/", share, official, count, int(count))
    whole = Accuracies(numbers)
    whole.paradigm, whole.credit = paradigms, found.credit
    return whole


def _weights(items: Sequence[Item], over: str) -> dict[str, float]:
    """What each paradigm weighs in the overall mean: the groups `over` alike, and in each its paradigms alike."""
    group = {item.paradigm: item.groups.get(over, "") for item in items}
    sizes = Counter(group.values())
    return {paradigm: 1 / len(sizes) / sizes[name] for paradigm, name in group.items()}


def _by(values: np.ndarray, found: ItemResults) -> dict[str, tuple[float, float, float]]:
    """Accuracy, official accuracy and number of items of each value of a group."""
    names, index = np.unique(values, return_inverse=True)
    count = np.bincount(index).astype(np.float64)
    credit, official = (np.bincount(index, part) / count for part in (found.credit, found.official))
    columns = zip(credit.tolist(), official.tolist(), count.tolist(), strict=True)
    return dict(zip(names.tolist(), columns, strict=True))


def _row(prefix: str, share: float, official: float, count: float, items: int) -> dict[str, float]:
    low, high = wilson(share, count)
    numbers = {"accuracy": share, "low": low, "high": high, "items": items}
    numbers |= {"official": official} if abs(official - share) > 1e-12 else {}
    return {prefix + name: number for name, number in numbers.items()}


def predictions(found: ItemResults, whole: bool = False) -> dict[str, dict[str, list[dict[str, str]]]]:
    """The choices in the official format, by paradigm; each as its `whole` text or as the scored part."""
    made: dict[str, dict[str, list[dict[str, str]]]] = {}
    for item, chosen in zip(found.items, found.chosen, strict=True):
        mine = made.setdefault(item.paradigm, {"predictions": []})["predictions"]
        text = item.texts[int(chosen)]
        mine.append({"id": f"{item.paradigm}_{len(mine)}", "pred": text.text if whole else text.text[text.start :]})
    return made


def limited(items: Iterable[Item], limit: int | None) -> list[Item]:
    """The first `limit` items of each paradigm."""
    seen: dict[str, int] = {}
    kept = []
    for item in items:
        seen[item.paradigm] = seen.get(item.paradigm, 0) + 1
        if limit is None or seen[item.paradigm] <= limit:
            kept.append(item)
    return kept
