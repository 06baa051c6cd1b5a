"""Parts of tokens against a plain search of every string in every other."""

import numpy as np
import pytest

from maskwright.text.tokenizers import substrings as module
from maskwright.text.tokenizers.substrings import substrings, written
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

KINDS = {"bpe": 500, "wordpiece": 700, "unigram": 500}


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request, text):
    return Tokenizer.train(
        text.read_text(encoding="utf-8").split("\n\n"), TokenizerSettings(kind=request.param, size=KINDS[request.param])
    )


def plain(texts, token, min_length, max_length, boundaries):
    """The ids of all parts of `token`."""
    bare = [text.removeprefix("▁") for text in texts]
    compared = texts if boundaries else bare
    return {
        i
        for i, part in enumerate(compared)
        if i != token and part and min_length <= len(bare[i]) <= max_length and part in compared[token]
    }


@pytest.mark.parametrize("boundaries", [True, False])
@pytest.mark.parametrize(("min_length", "max_length"), [(1, 40), (2, 4)])
def test_parts_are_those_of_a_plain_search(tokenizer, min_length, max_length, boundaries):
    found, texts = substrings(tokenizer, min_length, max_length, 1000, boundaries), written(tokenizer)
    assert len(found.offsets) == len(texts) + 1
    for token in range(len(texts)):
        parts = found.of(token).tolist()
        assert len(parts) == len(set(parts))
        assert set(parts) == plain(texts, token, min_length, max_length, boundaries)


def test_the_longest_parts_stay(tokenizer):
    every, few = (substrings(tokenizer, 1, 16, max_substrings, True) for max_substrings in (1000, 3))
    texts = written(tokenizer)
    assert max(np.diff(every.offsets)) > 3
    for token in range(len(texts)):
        assert few.of(token).tolist() == every.of(token)[:3].tolist()
        sizes = [len(texts[part]) for part in every.of(token)]
        assert sizes == sorted(sizes, reverse=True)


def test_special_tokens_neither_have_parts_nor_are_parts(tokenizer):
    found, special = substrings(tokenizer, 1, 16, 1000, False), tokenizer.vocabulary.special
    assert not special & set(found.parts.tolist())
    assert not any(len(found.of(token)) for token in special)


def test_a_beginning_is_found_at_beginnings_alone(tokenizer):
    texts = written(tokenizer)
    inside, begins = texts.index("in"), texts.index("▁in")
    marked, bare = (substrings(tokenizer, 2, 16, 1000, boundaries) for boundaries in (True, False))
    word = next(i for i, text in enumerate(texts) if text.startswith("▁in") and len(text) > 4)
    middle = next(i for i, text in enumerate(texts) if "in" in text[2:] and not text.startswith("▁in"))
    assert {inside, begins} <= set(marked.of(word).tolist())
    assert inside in marked.of(middle)
    assert begins not in marked.of(middle)
    assert {inside, begins} <= set(bare.of(middle).tolist())
    assert inside in bare.of(begins)
    assert begins in bare.of(inside)


def test_they_are_found_once(tokenizer, monkeypatch):
    first = substrings(tokenizer, 2, 9, 7, True)
    monkeypatch.setattr(module, "_find", None)
    again = substrings(tokenizer, 2, 9, 7, True)
    assert np.array_equal(again.offsets, first.offsets)
    assert np.array_equal(again.parts, first.parts)
    with pytest.raises(TypeError):
        substrings(tokenizer, 2, 9, 6, True)


def test_a_vocabulary_without_parts_is_refused(tokenizer):
    for _ in range(2):
        with pytest.raises(ValueError, match=r"model\.nhot: no token .* min_length=30 to max_length=31 "):
            substrings(tokenizer, 30, 31, 5, True)
