"""A model of n-grams is the plain formula over counts, sums to one, and reads the text in chunks."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.evaluate.statistics import ngrams
from maskwright.evaluate.statistics.ngrams import CONCENTRATION, log_probabilities

SIZE = 5
TOKENS = st.lists(st.integers(0, SIZE - 1), min_size=3, max_size=40)


def plain(text: list[int], corpus: list[int], order: int) -> list[float]:
    """The formula, an n-gram at a time."""
    counts = Counter(tuple(corpus[i : i + n]) for n in range(order + 1) for i in range(len(corpus) - n + 1))
    counts[()] = len(corpus)
    found = []
    for place, token in enumerate(text):
        p = 1 / SIZE
        for n in range(min(order - 1, place) + 1):
            history = tuple(text[place - n : place])
            p = (counts[(*history, token)] + CONCENTRATION * p) / (counts[history] + CONCENTRATION)
        found.append(np.log(p))
    return found


@given(TOKENS, st.lists(TOKENS, min_size=1, max_size=4), st.integers(1, 6))
def test_probabilities_are_those_of_the_plain_formula(corpus: list[int], texts: list[list[int]], chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "CHUNK", chunk)
        found = log_probabilities([np.array(text) for text in texts], np.array(corpus, np.uint16), SIZE, 3)
    for order in (1, 2, 3):
        assert found[order - 1] == pytest.approx([p for text in texts for p in plain(text, corpus, order)])


@given(TOKENS, TOKENS)
def test_what_may_follow_has_probability_one(corpus: list[int], text: list[int]) -> None:
    end = SIZE  # no history ends with it, so that each is followed by something
    texts = [np.array([*text, token]) for token in range(SIZE + 1)]
    found = log_probabilities(texts, np.array([*corpus, end]), SIZE + 1, 3)
    assert np.exp(found[:, len(text) :: len(text) + 1]).sum(1) == pytest.approx(np.ones(3))
