"""Correlations and regressions against definitions."""

import numpy as np
import pytest

from maskwright.evaluate.statistics.correlation import interval, partial, pearson, permuted, ranks, spearman
from maskwright.evaluate.statistics.regression import gain


def test_ranks_share_their_mean() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_spearman_sees_order_alone_and_pearson_is_numpys() -> None:
    draw = np.random.default_rng(0)
    one, other = draw.normal(size=50), draw.normal(size=50)
    assert pearson(one, other) == pytest.approx(np.corrcoef(one, other)[0, 1])
    assert spearman(np.exp(one), other**3) == pytest.approx(spearman(one, other))
    assert spearman(one, -one) == pytest.approx(-1)
    assert spearman(one, np.ones(50)) == 0


def test_an_interval_of_a_correlation_covers_it() -> None:
    draw, hits = np.random.default_rng(1), 0
    for _ in range(300):
        one = draw.normal(size=40)
        r = spearman(one, 0.6 * one + 0.8 * draw.normal(size=40))
        low, high = interval(r, 40)
        assert low < r < high
        hits += low < 6 / np.pi * np.arcsin(0.6 / 2) < high  # the rank correlation of normal variables
    assert 0.91 < hits / 300 < 0.985
    assert interval(0.3, 3) == (-1.0, 1.0)


def test_what_a_column_adds_is_what_two_regressions_say() -> None:
    draw = np.random.default_rng(2)
    a, b, more, noise = draw.normal(size=(4, 500))
    columns = {"a": 1000 * a, "b": b, "more": more, "y": a * b + 0.5 * more + 0.5 * noise}
    assert gain(columns, "y", ["a", "b"], "more") == pytest.approx(0.5, abs=0.07)
    assert gain(columns, "y", ["a", "b"], "a") == pytest.approx(0, abs=1e-9)
    x = np.c_[np.ones(500), columns["a"], b, columns["a"] * b]
    left = [float(np.linalg.lstsq(x, columns["y"], rcond=None)[1][0])]
    left.append(float(np.linalg.lstsq(np.c_[x, more], columns["y"], rcond=None)[1][0]))
    assert gain(columns, "y", ["a", "b"], "more") == pytest.approx(1 - left[1] / left[0])


def test_rows_with_something_unknown_are_left_out() -> None:
    draw = np.random.default_rng(3)
    columns = dict(zip("aby", draw.normal(size=(3, 40)), strict=True))
    gappy = {name: np.r_[column, 1.0, 2.0] for name, column in columns.items()}
    gappy["a"][-1], gappy["y"][-2] = np.nan, np.nan
    assert gain(gappy, "y", ["a"], "b") == pytest.approx(gain(columns, "y", ["a"], "b"))
    gappy["b"][0] = np.nan
    assert gain(gappy, "y", ["a"], "b") != gain({name: some[1:] for name, some in gappy.items()}, "y", ["a"], "b")
    with pytest.raises(ValueError, match="no row of the table has a number in every column"):
        gain(columns | {"b": np.full(40, np.nan)}, "y", ["a"], "b")


def test_correlation_given_time_is_that_of_residuals_and_blind_to_drift() -> None:
    draw = np.random.default_rng(4)
    time, one, other = np.sort(draw.uniform(size=30)), draw.normal(size=(30, 2)), draw.normal(size=(30, 3))
    found = partial(one, other, time)
    left = [column - np.polyval(np.polyfit(time, column, 1), time) for column in (one[:, 1], other[:, 2])]
    assert found[1, 2] == pytest.approx(pearson(*left))
    assert partial(one + 50 * time[:, None], 3 - 7 * time[:, None] + other, time) == pytest.approx(found)
    assert not partial(np.c_[time, np.ones(30)], other, time).any()


def test_random_orders_give_chance_its_share_however_both_drift() -> None:
    draw, time, hits = np.random.default_rng(5), np.arange(12.0), []
    for number in range(100):
        one, other = time[:, None] + draw.normal(size=(12, 3)), -time[:, None] + draw.normal(size=(12, 4))
        largest = np.abs(permuted(one, other, time, 99, str(number))).max((1, 2))
        hits.append((1 + (largest >= np.abs(partial(one, other, time)).max()).sum()) / 100 <= 0.05)
    assert 0 < sum(hits) <= 12
    same = permuted(one, other, time, 3, "a")
    assert same.shape == (3, 3, 4)
    assert (same == permuted(one, other, time, 3, "a")).all()
    assert (same != permuted(one, other, time, 3, "b")).any()
