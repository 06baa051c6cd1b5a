"""Noise is SplitMix64 by address: the published numbers, and no trace of one address in another."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskwright.noise import LIMIT, Noise, address, below, draw, fraction, stream_word

WORDS = st.integers(0, LIMIT - 1)


def mixed(x):
    """SplitMix64's finaliser in Python integers."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % LIMIT
    x = (x ^ x >> 27) * 0x94D049BB133111EB % LIMIT
    return x ^ x >> 31


def absorbed(*words):
    state = 0
    for word in words:
        state = mixed(((state ^ word) + 0x9E3779B97F4A7C15) % LIMIT)
    return state


def noise(count=64, seed=0, epoch=0, first=0):
    return Noise(seed, torch.full((count,), epoch), torch.arange(first, first + count))


def test_published_numbers():
    drawn = [int(draw(np.uint64(1234567), i)) for i in range(3)]
    assert drawn == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(WORDS, st.lists(WORDS, max_size=3))
def test_an_address_absorbs_word_after_word(seed, words):
    assert address(seed, "order", *words) == absorbed(seed, int(stream_word("order")), *words)


def test_a_row_has_its_key():
    keys = noise(3, seed=7, epoch=2, first=5).keys("select")
    assert keys.tolist() == [address(7, "select", 2, row) for row in (5, 6, 7)]


@pytest.mark.parametrize("seed", [-1, LIMIT])
def test_a_seed_must_fit(seed):
    with pytest.raises(ValueError, match=rf"seed={seed}: must be an integer from 0 to 2\^64 - 1"):
        address(seed, "order")


def test_values_are_the_upper_bits():
    bits = noise(4).bits("a", 9)
    assert torch.equal(noise(4).uniform("a", 9).double(), torch.from_numpy((bits >> np.uint64(40)) / 2.0**24))
    assert noise(4).below(10, "a", 9).tolist() == [[int(b) // 2**32 * 10 // 2**32 for b in row] for row in bits]


@given(WORDS, st.integers(1, 2**32 - 1))
def test_numbers_stay_in_range(bits, high):
    assert 0 <= below(np.uint64(bits), high) < high
    assert 0 <= fraction(np.uint64(bits)) < 1


def test_a_row_alone_draws_what_it_draws_in_a_batch():
    together = noise(8).bits("select", 5)
    for row in range(8):
        assert np.array_equal(noise(1, first=row).bits("select", 5)[0], together[row])


def test_a_seed_is_not_added_to_an_epoch():
    assert not np.array_equal(noise(seed=0, epoch=1).bits("a", 4), noise(seed=1, epoch=0).bits("a", 4))


@pytest.mark.parametrize("bins", [2, 10, 64, 1000])
def test_numbers_are_even(bins):
    counts = np.bincount(noise(256).below(bins, "select", 512).flatten().numpy(), minlength=bins)
    expected = counts.sum() / bins
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi2 - (bins - 1)) < 4 * np.sqrt(2 * (bins - 1))


OTHERS = {
    "row": (noise(256, first=1), "select"),
    "epoch": (noise(256, epoch=1), "select"),
    "seed": (noise(256, seed=1), "select"),
    "stream": (noise(256), "fate"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_neighbouring_addresses_know_nothing_of_each_other(other):
    there, stream = OTHERS[other]
    here = noise(256).uniform("select", 512).flatten().numpy()
    correlation = np.corrcoef(here, there.uniform(stream, 512).flatten().numpy())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(here))


def test_neighbouring_positions_know_nothing_of_each_other():
    drawn = noise(256).uniform("select", 512).numpy()
    correlation = np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(drawn.size)
