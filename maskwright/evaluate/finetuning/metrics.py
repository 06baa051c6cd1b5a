"""How well classes were told apart. Shapes: N examples, C classes."""

from math import sqrt

import numpy as np


def agreement(found: np.ndarray, truth: np.ndarray, classes: int) -> dict[str, float]:
    """Accuracy, F1 and Matthews' correlation of the classes `found` [N] with the `truth` [N], both int64 in [0, C).

    F1 is that of class 1 where there are two classes, the plain mean over the classes else. The correlation is R_K
    (Gorodkin 2004, "Comparing two K-category assignments", eq. 2). Both are 0 where they have no meaning.
    """
    table = np.zeros((classes, classes))  # [C, C]: truth, found
    np.add.at(table, (truth, found), 1)
    right, true, said, count = table.diagonal(), table.sum(1), table.sum(0), float(len(truth))
    f1 = 2 * right / np.maximum(true + said, 1)
    spread = sqrt(float((count**2 - (said**2).sum()) * (count**2 - (true**2).sum())))
    return {
        "accuracy": float(right.sum() / count),
        "f1": float(f1[1] if classes == 2 else f1.mean()),
        "mcc": float((count * right.sum() - (true * said).sum()) / spread) if spread else 0.0,
    }
