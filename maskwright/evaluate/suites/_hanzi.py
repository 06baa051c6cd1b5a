"""Hanzi: minimal pairs about Chinese characters, as the multilingual track of BabyLM scores them.

A pair is missed where either sentence has an unknown token, and where both score the same.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...run.load import LoadedRun
from ..scoring.minimal_pairs import Item, ItemResults, accuracies
from ._pairs import Options
from ._two_columns import evaluate_columns


def evaluate_hanzi(run: LoadedRun, data: Path | None, options: Options, task: str) -> dict[str, float]:
    """Accuracy over all items, and by file; `unknown`: the share of items with an unknown token.

    data: the folder of the files, or one that holds it under the name `task`.
    """
    encode, unknown = run.tokenizer.encode, run.tokenizer.unknown

    def is_unknown(item: Item) -> bool:
        return any(bool((encode(text.text)[0] == unknown).any()) for text in item.texts)

    return evaluate_columns(run, data, options, task, ("sentence_good", "sentence_bad"), strictly(is_unknown))


def strictly(is_unknown: Callable[[Item], bool]) -> Callable[[ItemResults], dict[str, float]]:
    """The accuracies where ties and items that are unknown are missed."""

    def summary(found: ItemResults) -> dict[str, float]:
        unknown = np.array([is_unknown(item) for item in found.items])
        scores = found.scores.copy()
        scores[unknown | found.tied, 0] = -np.inf
        return accuracies(replace(found, scores=scores)) | {"unknown": float(unknown.mean())}

    return summary
