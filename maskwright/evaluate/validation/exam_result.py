"""A model's predictions on one exam."""

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import stdtrit


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
    position: np.ndarray
    """[N] int64, its position in its document, as far as that is in the row."""

    def where(self, chosen: np.ndarray) -> "ExamResult":
        """The targets at `chosen`, [N] bool."""
        return ExamResult(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def mean(self, where: np.ndarray | slice = slice(None)) -> dict[str, float]:
        """Weighted means over the targets at `where`: loss (nats), accuracy and top-5 accuracy."""
        weight = self.weight[where]
        return {name: float((column[where] * weight).sum() / weight.sum()) for name, column in self._columns().items()}

    def margins(self) -> dict[str, float]:
        """Half the width of each mean's 95 % interval over the choice of documents; nothing of a single document.

        Targets of one document are alike, so documents are the sample, and the mean is a ratio of two of their sums:
        its variance is that of the ratio estimator (Cochran 1977, "Sampling Techniques", section 6.3).
        """
        _, document = np.unique(self.document, return_inverse=True)  # [N], numbered without gaps
        count = document.max() + 1
        if count == 1:
            return {}
        scale = float(stdtrit(count - 1, 0.975)) * (count / (count - 1)) ** 0.5 / self.weight.sum()
        means = self.mean()
        rests = {name: self.weight * (column - means[name]) for name, column in self._columns().items()}
        return {name: float(scale * np.linalg.norm(np.bincount(document, rest))) for name, rest in rests.items()}

    def _columns(self) -> dict[str, np.ndarray]:
        return {"loss": self.loss, "accuracy": self.top1, "top5": self.top5}
