"""Metrics of fine-tuned models. Shapes: N examples, C classes."""

from collections.abc import Sequence
from importlib.util import find_spec
from math import sqrt

import numpy as np
from scipy import stats


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


def closeness(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Pearson's and Spearman's correlation of the numbers `found` [N] with `truth` [N]; 0 where one is constant."""
    if len(truth) < 2 or not np.ptp(found) or not np.ptp(truth):
        return {"pearson": 0.0, "spearman": 0.0}
    return {
        "pearson": float(stats.pearsonr(found, truth).statistic),
        "spearman": float(stats.spearmanr(found, truth).statistic),
    }


def entities(found: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> dict[str, float]:
    """Micro-averaged `precision`, `recall` and `f1` of whole entities, by the rules of seqeval, which are conlleval's.

    found, truth: the tags of the words of each sentence. Raises ImportError without the extra `tagging`.
    """
    check_seqeval()
    from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

    precision, recall, f1, _ = precision_recall_fscore_support(truth, found, average="micro", zero_division=0)
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1)}


def check_seqeval() -> None:
    """Raises ImportError when seqeval, of the extra `tagging`, is not there."""
    if find_spec("seqeval") is None:
        raise ImportError("entities are scored by seqeval: pip install 'maskwright[tagging]'")
