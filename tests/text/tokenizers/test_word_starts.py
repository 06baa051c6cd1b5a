"""Word starts: true words on known sentences, and the same number for every tokenizer."""

import sys
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.text.tokenizers.tokenizer import Tokenizer
from maskwright.text.tokenizers.word_starts import MARKS, token_starts, word_starts

KNOWN = {
    "I don't know.": ["I", "don't", "know", "."],
    "the dogs' bones": ["the", "dogs", "'", "bones"],
    "rock ’n’ roll isn’t": ["rock", "’", "n", "’", "roll", "isn’t"],
    "caf\u00e9 cafe\u0301 na\u00efve": ["caf\u00e9", "cafe\u0301", "na\u00efve"],
    "日本語 and 한국": ["日", "本", "語", "and", "한", "국"],
    "wait... (what?!)": ["wait", "...", "(", "what", "?!)"],
    "snake_case = 42": ["snake_case", "=", "42"],
    "हिन्दी भाषा": ["हिन्दी", "भाषा"],
    "hi 😀👩‍👩‍👧 bye": ["hi", "😀👩‍👩‍👧", "bye"],
    " \n\t": [],
    "": [],
    "\u0301x": ["\u0301", "x"],
}


def words(text: str) -> list[str]:
    """The words of `text`, by where they start."""
    starts = np.flatnonzero(word_starts(text))
    return [text[a:b].strip() for a, b in pairwise([*starts, len(text)])]


@pytest.mark.parametrize("text", KNOWN)
def test_known_words(text: str) -> None:
    assert words(text) == KNOWN[text]


@given(st.text())
def test_a_start_is_never_a_blank_and_blanks_end_words(text: str) -> None:
    starts = word_starts(text)
    assert len(starts) == len(text)
    for i in np.flatnonzero(starts):
        assert not text[i].isspace()
    if text.strip():
        assert starts[len(text) - len(text.lstrip())]


def test_no_combining_mark_lies_outside_of_the_planes_that_are_searched() -> None:
    marks = [i for i in range(sys.maxunicode + 1) if unicodedata.category(chr(i))[0] == "M"]
    assert len(marks) > 2000
    assert all(any(mark in plane for plane in MARKS) for mark in marks)


def test_bytes_of_one_character_share_a_span() -> None:
    spans = np.array([[0, 1], [1, 3], [2, 3], [2, 3], [3, 4]])
    assert token_starts("a é!", spans).tolist() == [1, 1, 0, 0, 1]


def test_bytes_of_a_run_of_characters_are_told_apart() -> None:
    spans = np.array([[0, 2]] * 6 + [[2, 3]])
    assert token_starts("日本x", spans).tolist() == [1, 0, 0, 1, 0, 0, 1]


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram", "character"])
@pytest.mark.parametrize("text", ["I don't know.", "the café, naïve!", "hi 日本語 bye", "What — a day... 12 dogs"])
def test_every_tokenizer_finds_the_words_of_known_sentences(
    learned: dict[str, Tokenizer], kind: str, text: str
) -> None:
    _, starts = learned[kind].encode(text)
    assert starts.sum() == len(words(text))
    assert starts.dtype == np.uint8


def test_every_piece_of_a_word_follows_its_start(learned: dict[str, Tokenizer]) -> None:
    ids, starts = learned["bpe"].encode("unbelievably don't 日")
    pieces = [learned["bpe"].decode(part).strip() for part in np.split(ids, np.flatnonzero(starts))]
    assert [piece for piece in pieces if piece] == ["unbelievably", "don't", "日"]


LETTERS = "abcdefghij éñ 日本 ,.!?'() 0123 😀"


@settings(max_examples=60)
@given(st.text(alphabet=LETTERS, max_size=60))
def test_all_tokenizers_count_the_same_words(learned: dict[str, Tokenizer], text: str) -> None:
    counts = {kind: int(tokenizer.encode(text)[1].sum()) for kind, tokenizer in learned.items() if kind != "wordpiece"}
    assert set(counts.values()) == {int(word_starts(text).sum())}


def test_sentencepiece_counts_the_same_words(sentencepiece_model) -> None:
    tokenizer = Tokenizer.load(sentencepiece_model("unigram"))
    for text in ("I don't know the dog", "hi 日本語 bye", "cafés naïve"):
        assert tokenizer.encode(text)[1].sum() == word_starts(text).sum()
