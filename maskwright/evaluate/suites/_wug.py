"""Two inflections of a nonce word: does the model prefer the one that people prefer, and as strongly?"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from ...files.errors import short_repr
from ...run.load import LoadedRun
from ...settings import settings
from ..scoring.jsonl import read
from ..scoring.minimal_pairs import Item, ItemResults, predictions, score_items
from ..scoring.scorer import Text
from ..statistics.correlation import interval, spearman
from . import _pairs
from ._floors import floors
from ._pairs import build_scorer, select_items, write_predictions

Rated = tuple[Item, float]
"""A pair, and the share of people who prefer its first text, 0 to 1."""


@settings
class Options(_pairs.Options):
    """How the pairs are scored."""

    rules: Literal[2025] = 2025
    """The official BabyLM evaluation of 2026 has no such task, so that it is always that of 2025."""


def evaluate_wug(
    run: LoadedRun, rated: Sequence[Rated], options: _pairs.Options, place: Sequence[str]
) -> dict[str, float]:
    """Spearman correlation with human preferences, and how often the form that most people prefer wins.

    The model's preference is the softmax of the two scores. A pair with a NaN score counts as the opposite of the
    human preference.

    place: task and dataset, as the official evaluation names its folders.
    """
    backend, scorer = build_scorer(run, options)
    kept = select_items((item for item, _ in rated), options, place[-1])
    ratios = np.array([ratio for _, ratio in rated[: len(kept)]])
    found = score_items(scorer, kept, options.per, options.rules)[0]
    if options.predictions:
        made, shares = predictions(found), preferences(found, ratios)
        for line, share in zip(made[place[0]]["predictions"], shares.tolist(), strict=True):
            line["prob"] = share
        write_predictions(options.predictions, run, backend, place, made)
    numbers = partial(figures, ratios=ratios)
    return numbers(found) | (floors(run, scorer, kept, options.per, numbers) if options.floors else {})


def preferences(found: ItemResults, ratios: np.ndarray) -> np.ndarray:
    """[N] float64, softmax probability of the first text; 1 − `ratios` [N] where a score is NaN."""
    gap = np.clip(found.scores[:, 1] - found.scores[:, 0], -700, 700)
    return np.where(found.failed, 1 - ratios, 1 / (1 + np.exp(gap)))


def figures(found: ItemResults, ratios: np.ndarray) -> dict[str, float]:
    """Correlation with its 95 % interval, and accuracy over the pairs where people are not split evenly."""
    r, asked = spearman(preferences(found, ratios), ratios), ratios != 0.5
    low, high = interval(r, len(ratios))
    credit = np.where(ratios > 0.5, found.credit, 1 - found.credit)
    accuracy = float(np.where(found.failed, 0.0, credit)[asked].mean()) if asked.any() else 0.0
    numbers = {"spearman": r, "spearman_low": low, "spearman_high": high, "accuracy": accuracy}
    return numbers | {"items": len(ratios), "ties": int(found.tied.sum()), "failures": int(found.failed.sum())}


def items(place: Path, task: str) -> Iterator[Rated]:
    """The pairs of all files."""
    for path, number, line in read(place, {"sentences": str, "ratio": (int, float, str)}):
        texts = line["sentences"].split("\t")
        if len(texts) != 2 or not all(texts):
            raise ValueError(
                f"{path}:{number}: sentences={short_repr(line['sentences'])}: give two, separated by a tab"
            )
        yield Item(tuple(map(Text, texts)), {"paradigm": task}), _share(path, number, line["ratio"])


def _share(path: Path, number: int, written: float | str) -> float:
    try:
        ratio = float(written)
    except (ValueError, OverflowError):
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise ValueError(f"{path}:{number}: ratio={short_repr(written)}: give the share of people, from 0 to 1")
    return ratio
