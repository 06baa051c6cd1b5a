"""When words are learned."""

import numpy as np
import pytest

from maskwright.evaluate.statistics.acquisition import agreement, crossing, of_children, of_model, sigmoid

AGES = np.arange(16.0, 31)


@pytest.mark.parametrize("truth", [(0.9, 0.5, 22.0, 0.05), (1.0, 0.3, 19.0, 0.0), (0.7, 0.9, 25.0, 0.2)])
def test_a_fit_finds_the_sigmoid_that_made_the_points(truth) -> None:
    bounds = (0, 0, 16, -0.5), (2, 1, 30, 0.5)
    level = (truth[0] / 2) + truth[3]
    found = crossing(AGES, sigmoid(AGES, *truth), (1, 0.1, 23, 0), bounds, 1000, level)
    assert found == pytest.approx(truth[2], abs=1e-2)
    assert np.isnan(crossing(AGES, sigmoid(AGES, *truth), (1, 0.1, 23, 0), bounds, 1000, level, least=1.0))
    assert np.isnan(crossing(AGES, sigmoid(AGES, *truth), (1, 0.1, 23, 0), bounds, 1, level))


def test_children_learn_where_half_of_them_speak() -> None:
    shares = sigmoid(AGES, 1.0, 0.4, 21.0, 0.0)
    assert of_children(AGES, shares) == pytest.approx(21, abs=0.01)
    shares[3] = np.nan
    assert of_children(AGES, shares) == pytest.approx(21, abs=0.01)
    assert np.isnan(of_children(AGES, shares / 10))
    assert np.isnan(of_children(AGES, np.full(15, np.nan)))


@pytest.mark.parametrize("bounded", [True, False])
def test_a_model_learns_half_of_the_way_from_chance(bounded) -> None:
    words = 10.0 ** np.linspace(5, 9, 20)
    nats = 13 - sigmoid(np.log10(words + 1), 8.0, 4.0, 7.0, 0.0)
    assert of_model(words, nats, 13.0, bounded) == pytest.approx(7, abs=0.02)
    assert of_model(words, nats, 11.0, bounded) > of_model(words, nats, 13.0, bounded)
    assert np.isnan(of_model(words, np.full(20, 13.0), 13.0, bounded))
    assert np.isnan(of_model(words[:2], nats[:2], 13.0, bounded))


def test_an_agreement_that_chance_explains_is_none() -> None:
    ages, other = np.arange(40.0), (-1.0) ** np.arange(40)
    assert agreement(ages, 2 * ages, 0.1) == pytest.approx(1)
    assert abs(np.corrcoef(ages, other)[0, 1]) > 0.01
    assert agreement(ages, other, 0.1) == 0
    assert agreement(ages, other, sure=1.0) == pytest.approx(np.corrcoef(ages, other)[0, 1])
    assert agreement(ages[:2], ages[:2], 1.0) == agreement(ages, np.ones(40), 1.0) == 0
