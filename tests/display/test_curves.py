"""Curves have an axis on which they can be seen."""

import matplotlib.pyplot as plt
import pytest

from maskwright.display.curves import FIGURES

LINES = [{"step": step, "lr": 0.004, "mask_ratio": 0.3, "valid/top5": 0.14, "valid/accuracy": 0.05} for step in (1, 2)]
FINAL = {"valid/unigram/accuracy": 0.03}


@pytest.mark.parametrize(("name", "highest"), [("mask_ratio", 0.3), ("accuracy", 0.14), ("learning_rate", 0.004)])
def test_a_curve_fills_its_axis_and_never_lies_on_the_frame(name: str, highest: float) -> None:
    figure, axes = plt.subplots()
    FIGURES[name](axes, LINES, FINAL)
    plt.close(figure)
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] == pytest.approx(1.08 * highest, rel=0.1)
