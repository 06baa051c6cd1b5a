"""When words are learned."""

import numpy as np
import pytest

from maskwright.evaluate.statistics.acquisition import crossing, fit, of_children, of_model, sigmoid

AGES = np.arange(16.0, 31)


@pytest.mark.parametrize("truth", [(0.9, 0.5, 22.0, 0.05), (1.0, 0.3, 19.0, 0.0), (0.7, 0.9, 25.0, 0.2)])
def test_a_fit_finds_the_sigmoid_that_made_the_points(truth) -> None:
    low, high = np.array([0, 0, 16, -0.5]), np.array([2, 1, 30, 0.5])
    found = fit(AGES, sigmoid(AGES, *truth), np.array([1, 0.1, 23, 0]), low, high)
    assert found == pytest.approx(truth, abs=1e-3)
    level = (truth[0] / 2) + truth[3]
    assert crossing(AGES, found, level) == pytest.approx(truth[2], abs=1e-2)


def test_children_learn_where_half_of_them_speak() -> None:
    shares = sigmoid(AGES, 1.0, 0.4, 21.0, 0.0)
    assert of_children(AGES, shares) == pytest.approx(21, abs=0.01)
    shares[3] = np.nan
    assert of_children(AGES, shares) == pytest.approx(21, abs=0.01)
    assert np.isnan(of_children(AGES, shares / 10))
    assert np.isnan(of_children(AGES, np.full(15, np.nan)))


def test_a_model_learns_half_of_the_way_from_chance() -> None:
    words = 10.0 ** np.linspace(5, 9, 20)
    bits = 13 - sigmoid(np.log10(words + 1), 8.0, 4.0, 7.0, 0.0)
    level = of_model(words, bits, 2**13)
    assert level == pytest.approx(7, abs=0.02)
    assert np.isnan(of_model(words, np.full(20, 13.0), 2**13))
    assert np.isnan(of_model(words[:2], bits[:2], 2**13))
