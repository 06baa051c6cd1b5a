"""The margins of an exam hold the mean over all documents as often as they say."""

import numpy as np
import pytest

from maskwright.evaluate.validation.exam_result import ExamResult


def exam(loss: np.ndarray, document: np.ndarray) -> ExamResult:
    right = loss < 1
    return ExamResult(
        np.zeros(len(loss), int), np.ones(len(loss)), document, loss, right, right, np.zeros(len(loss), int)
    )


def test_documents_of_one_target_each_have_the_interval_of_student() -> None:
    loss = np.array([1.0, 2.0, 4.0, 3.5])
    margin = 3.182446 * loss.std(ddof=1) / 2  # t of three degrees of freedom
    assert exam(loss, np.array([7, 3, 5, 9])).margins()["loss"] == pytest.approx(margin, rel=1e-6)


def test_targets_that_repeat_within_a_document_make_nothing_surer() -> None:
    loss, document = np.array([1.0, 2.0, 4.0]), np.arange(3)
    once = exam(loss, document).margins()
    assert exam(loss.repeat(10), document.repeat(10)).margins() == pytest.approx(once)
    assert exam(loss, np.zeros(3, int)).margins() == {}


def test_margins_hold_the_truth_as_often_as_they_say() -> None:
    draw, held = np.random.default_rng(0), 0
    for _ in range(1000):
        sizes = draw.integers(1, 40, 25)
        document = np.arange(25).repeat(sizes)
        found = exam(2 + draw.normal(size=25)[document] + draw.normal(size=len(document)), document)
        held += abs(found.mean()["loss"] - 2) <= found.margins()["loss"]
    assert 0.91 < held / 1000 < 0.97
