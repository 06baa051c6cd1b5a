"""The floor of an exam: what token frequencies alone would score on the same questions with the same weights.

A model below its floor has not learned to use the context, whatever its loss looks like.
"""

from dataclasses import replace

import numpy as np

from ...text.tokenizers.vocabulary import Vocabulary
from .exam_result import ExamResult


def unigram(exam: ExamResult, counts: np.ndarray, vocabulary: Vocabulary) -> ExamResult:
    """The result of a unigram model on the questions of `exam`.

    counts: [V] int64, how often each token occurs in the training text.
    """
    p = _probabilities(exam, counts, vocabulary)
    best = np.argsort(-p, kind="stable")[:5]
    loss = -np.log(p[exam.target])
    return replace(exam, loss=loss, top1=exam.target == best[0], top5=np.isin(exam.target, best))


def _probabilities(exam: ExamResult, counts: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """[V] float64: ordinary tokens by their training counts, add-one smoothed.

    Special tokens do not occur in the text, yet some exams ask for them (the end of a document, right or wrong). Each
    gets its share of the exam's own questions, which is the best that any constant prediction could do there.
    """
    asked = np.bincount(exam.target, exam.weight, len(counts)) / exam.weight.sum()
    special, ordinary = np.where(vocabulary.is_special, asked, 0.0), np.zeros(len(counts))
    ordinary[vocabulary.ordinary] = counts[vocabulary.ordinary] + 1
    return special + (1 - special.sum()) * ordinary / ordinary.sum()
