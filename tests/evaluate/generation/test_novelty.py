"""Copied n-grams against the plain loop, and at the borders of documents and of chunks."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.evaluate.generation import novelty
from maskwright.evaluate.generation.novelty import copied

sizes = st.lists(st.integers(1, 30), min_size=1, max_size=6)


@given(sizes, st.integers(1, 6), st.integers(2, 5), st.integers(0, 99), st.sampled_from([3, 10, 1 << 22]))
@settings(max_examples=40)
def test_copies_are_those_of_the_plain_loop(sizes: list[int], n: int, ids: int, seed: int, chunk: int) -> None:
    draw, offsets = np.random.default_rng(seed), np.concatenate([[0], np.cumsum(sizes)])
    train = SimpleNamespace(tokens=draw.integers(ids, size=offsets[-1]).astype(np.uint16), offsets=offsets)
    texts = draw.integers(ids, size=(3, 8))
    there = {
        tuple(document[i : i + n].tolist())
        for document in np.split(train.tokens, offsets[1:-1])
        for i in range(len(document) - n + 1)
    }
    expected = [np.mean([tuple(text[i : i + n].tolist()) in there for i in range(9 - n)]) for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(novelty, "CHUNK", chunk)
        assert copied(texts, train, n) == pytest.approx(expected)
