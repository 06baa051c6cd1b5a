"""Classification metrics. Shapes: N examples, C classes."""

from math import sqrt

import numpy as np


def agreement(found: np.ndarray, truth: np.ndarray, classes: int) -> dict[str, float]:
    """Accuracy, F1 and Matthews correlation of the predictions `found` [N] with `truth` [N], both int64 in [0, C).

    F1 is that of class 1 for two classes, else the macro average. The correlation is R_K (Gorodkin 2004, "Comparing two
    K-category assignments", eq. 2). Both are 0 where they are undefined.
    """
    table = np.zeros((classes, classes))  # [C, C]: truth, found
    np.add.at(table, (truth, found), 1)
    right, true, predicted, count = table.diagonal(), table.sum(1), table.sum(0), float(len(truth))
    f1 = 2 * right / np.maximum(true + predicted, 1)
    spread = sqrt(float((count**2 - (predicted**2).sum()) * (count**2 - (true**2).sum())))
    return {
        "accuracy": float(right.sum() / count),
        "f1": float(f1[1] if classes == 2 else f1.mean()),
        "mcc": float((count * right.sum() - (true * predicted).sum()) / spread) if spread else 0.0,
    }
