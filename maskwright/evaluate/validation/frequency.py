"""An exam by how often its targets occur in the training text: most of what is rare is learned last."""

from collections.abc import Iterator

import numpy as np

from ...text.tokenizers.vocabulary import Vocabulary
from .exam_result import ExamResult

BANDS = {"0-9": 0, "10-99": 10, "100-999": 100, "1000+": 1000}
"""Each band, and the fewest occurrences in the training text that a token of it has."""


def by_frequency(exam: ExamResult, counts: np.ndarray, vocabulary: Vocabulary) -> Iterator[tuple[str, float]]:
    """`BAND/loss` (nats), `BAND/accuracy`, `BAND/top5` and `BAND/share` of the weight, for each band with a target.

    counts: [V] int64, how often each token occurs in the training text. Special tokens are in no band.
    """
    band = np.searchsorted(list(BANDS.values()), counts[exam.target], side="right") - 1
    band[vocabulary.is_special[exam.target]] = -1
    for index, name in enumerate(BANDS):
        if (of_band := band == index).any():
            share = exam.weight[of_band].sum() / exam.weight.sum()
            for metric, number in (exam.mean(of_band) | {"share": float(share)}).items():
                yield f"{name}/{metric}", number
