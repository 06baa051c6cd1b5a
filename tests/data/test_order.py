"""The order of rows is a bijection of every epoch, and no one notices how it is read."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.order import shuffled_range

LENGTH = st.integers(1, 700)
SEED = st.integers(0, 2**64 - 1)


@given(LENGTH, SEED, st.integers(0, 3))
def test_every_row_comes_once_in_every_epoch(length, seed, epoch):
    epochs, rows = shuffled_range(epoch * length, (epoch + 1) * length, length, seed)
    assert set(epochs) == {epoch}
    assert sorted(rows) == list(range(length))


@given(LENGTH, SEED, st.lists(st.integers(0, 1500), max_size=5))
def test_any_split_gives_the_same_order(length, seed, cuts):
    bounds = sorted([0, 1500, *cuts])
    parts = [shuffled_range(begin, end, length, seed) for begin, end in pairwise(bounds)]
    assert np.array_equal(np.concatenate(parts, axis=1), np.stack(shuffled_range(0, 1500, length, seed)))


@pytest.mark.parametrize("length", [2**k + d for k in (5, 8, 12) for d in (-1, 0, 1)])
def test_every_epoch_has_its_own_order(length):
    orders = [shuffled_range(epoch * length, (epoch + 1) * length, length, 0)[1] for epoch in range(3)]
    orders.append(shuffled_range(0, length, length, 1)[1])
    for i, one in enumerate(orders):
        assert np.mean(one == np.arange(length)) < 0.2
        assert all(np.mean(one == other) < 0.2 for other in orders[:i])


def test_every_row_is_as_likely_to_come_first():
    first = np.bincount([shuffled_range(0, 1, 20, seed)[1][0] for seed in range(4000)], minlength=20)
    assert abs(((first - 200) ** 2 / 200).sum() - 19) < 4 * np.sqrt(2 * 19)


def test_a_billion_rows_cost_nothing():
    epochs, rows = shuffled_range(3_999_999_998, 4_000_000_002, 10**9, 5)
    assert epochs.tolist() == [3, 3, 4, 4]
    assert all(0 <= row < 10**9 for row in rows)
