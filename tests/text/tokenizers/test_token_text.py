"""Tokens as text: characters are whole in every script, and no byte of one is lost without a word."""

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from maskwright.text.tokenizers.token_text import LOST, alone, in_sight
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

WORDS = st.sampled_from(["שלום", "नमस्ते", "สวัสดี", "Привет", "👩‍👩‍👧", "é", "e\u0301", "naïve", "word", "日本語", "$_<|"])
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@pytest.fixture(scope="module", params=["bpe", "wordpiece"])
def small(request: pytest.FixtureRequest) -> Tokenizer:
    """A tokenizer that has seen no script but its own."""
    return Tokenizer.train(["some words of one script $_<|"] * 9, TokenizerSettings(kind=request.param, size=290))


@examples(max_examples=15)
@given(TEXTS)
def test_what_adjacent_tokens_add_is_the_text(small: Tokenizer, text: str) -> None:
    ids = small.encode(text)[0].tolist()
    found = in_sight(small, ids)
    assert len(found) == len(ids)
    assert "".join(found).strip() == small.decode(ids, specials=True).strip()


@examples(max_examples=15)
@given(TEXTS, st.data())
def test_a_part_of_a_character_is_shown_as_its_bytes(small: Tokenizer, text: str, data: st.DataObject) -> None:
    ids = small.encode(text)[0].tolist()
    begin = data.draw(st.integers(0, len(ids) - 1))
    assert LOST not in "".join(in_sight(small, ids[begin:]))
    for token in ids:
        told = small.decode([token], specials=True)
        assert alone(small, token) == told or LOST in told
        assert LOST not in alone(small, token)


def test_bytes_are_those_of_the_character() -> None:
    tokenizer = Tokenizer.train(["plain words"] * 9, TokenizerSettings(kind="bpe", size=270))
    ids = tokenizer.encode("न")[0].tolist()
    assert [alone(tokenizer, token) for token in ids] == [r"\xe0", r"\xa4", r"\xa8"]
    assert in_sight(tokenizer, ids) == ["न", "", ""]
    assert in_sight(tokenizer, ids[:2]) == [r"\xe0", r"\xa4"]
    assert in_sight(tokenizer, ids[:2], as_bytes=False) == [LOST, LOST]
