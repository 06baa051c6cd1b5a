"""Windows ask for every token once, where it has the most to go by, and for no part of a word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.evaluate.scoring.windows import Windows


@st.composite
def cases(draw):
    """Windows, and a text that is longer than they are: its ids tell places, [CLS] is the first."""
    length = draw(st.integers(2, 30))
    windows = Windows(length, draw(st.integers(1, length - 1)), draw(st.sampled_from([0.0, 0.3, 0.5, 1.0])))
    size = draw(st.integers(length, 120))
    sizes = draw(st.lists(st.integers(1, 8), min_size=size, max_size=size))
    word = np.repeat(np.arange(1, size + 1, dtype=np.int32), sizes)[:size]
    word[np.isin(word, [word[0], word[-1], *draw(st.lists(st.sampled_from(word.tolist()), max_size=4))])] = 0
    return windows, np.arange(size), word


@given(cases())
def test_every_token_is_asked_for_once_in_a_full_window(case):
    windows, ids, word = case
    asked = np.zeros(len(ids), int)
    for here, mine in windows.over(ids, word):
        assert len(here) == windows.length
        assert here[0] == 0
        assert (np.diff(here[1:]) == 1).all()
        assert (mine[mine > 0] == word[here[mine > 0]]).all()
        np.add.at(asked, here[mine > 0], 1)
    assert (asked == (word > 0)).all()


@given(cases())
def test_a_word_is_parted_only_where_a_window_cannot_ask_for_it_whole(case):
    windows, ids, word = case
    for here, mine in windows.over(ids, word):
        for number in set(mine[mine > 0].tolist()):
            run = word[here[1:]] == number
            assert mine[1:][run].all() or (word == number).sum() > windows.stride or run.sum() < (word == number).sum()


@pytest.mark.parametrize(("before", "least"), [(1.0, (19, 0)), (0.5, (9, 9)), (0.0, (0, 19))])
def test_a_token_has_as_much_around_it_as_can_be(before, least):
    ids, word = np.arange(101), np.r_[0, np.arange(1, 101, dtype=np.int32)]
    for here, mine in Windows(21, 1, before).over(ids, word):
        for place in np.flatnonzero(mine):
            sides = place - 1, 20 - place
            edges = here[1] == 1, here[-1] == 100
            for side, wanted, edge in zip(sides, least, edges, strict=True):
                assert side >= wanted or edge


@pytest.mark.parametrize("stride", [0, 64, 100])
def test_a_stride_that_a_window_cannot_hold_is_refused(stride):
    with pytest.raises(ValueError, match=f"stride={stride}: a window of 64 positions scores 1 to 63 tokens"):
        Windows(64, stride, 0.5)
