"""A model's predictions on one exam."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ExamResult:
    """One entry for each of the N target positions of an exam."""

    target: np.ndarray
    """[N] int64, the target token."""
    weight: np.ndarray
    """[N] float64, its weight in every mean."""
    document: np.ndarray
    """[N] int64, the document of the split that it belongs to."""
    loss: np.ndarray
    """[N] float64, −ln p(target), in nats."""
    top1: np.ndarray
    """[N] bool, whether the target is the most likely token."""
    top5: np.ndarray
    """[N] bool, whether it is among the five most likely."""

    def mean(self, where: np.ndarray | slice = slice(None)) -> dict[str, float]:
        """Weighted means over the targets at `where`: loss (nats), accuracy and top-5 accuracy."""
        weight = self.weight[where]
        columns = {"loss": self.loss, "accuracy": self.top1, "top5": self.top5}
        return {name: float((column[where] * weight).sum() / weight.sum()) for name, column in columns.items()}
