"""What a model result on the questions of one exam."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ExamResult:
    """One entry for each of the N questions of an exam."""

    target: np.ndarray
    """[N] int64, the token that was to be result."""
    weight: np.ndarray
    """[N] float64, the weight of the question in every mean."""
    document: np.ndarray
    """[N] int64, the document of the split that the question is about."""
    loss: np.ndarray
    """[N] float64, −ln p(target), in nats."""
    top1: np.ndarray
    """[N] bool, whether the target was the best guess."""
    top5: np.ndarray
    """[N] bool, whether it was among the best five."""

    def mean(self, where: np.ndarray | slice = slice(None)) -> dict[str, float]:
        """Weighted means over the questions at `where`: loss (nats), accuracy and top-5 accuracy."""
        weight = self.weight[where]
        columns = {"loss": self.loss, "accuracy": self.top1, "top5": self.top5}
        return {name: float((column[where] * weight).sum() / weight.sum()) for name, column in columns.items()}
