"""Words of a text become tokens of a tokenizer that is there: those that it splits most, without moving an id."""

from collections import Counter

import pytest

from maskwright.text.tokenizers.extension import WORD
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

DOMAIN = ["The electrolyte of an electrolyser, the Electrolyte and the membranes: membranes.\n"] * 3 + ["zeolite"]


@pytest.fixture(params=["bpe", "wordpiece", "unigram"])
def known(request, text) -> Tokenizer:
    return Tokenizer.train([text.read_text()], TokenizerSettings(kind=request.param, size=420))


def plain(tokenizer: Tokenizer, count: int) -> list[str]:
    """The words that cost most, by a plain loop."""
    cost = Counter()
    for word, times in Counter(word for text in DOMAIN for word in WORD.findall(text)).items():
        pieces = len(tokenizer.encode(f"x {word}")[0]) - len(tokenizer.encode("x")[0])
        if times > 1 and pieces > 1:
            cost[word] = times * (pieces - 1)
    return [word for word, _ in cost.most_common(count)]


def test_words_that_split_badly_become_tokens_and_ids_stay(known) -> None:
    made = known.with_words(DOMAIN, 4)
    chosen = plain(known, 4)
    for word in chosen:
        ids, starts = made.encode(f"the {word} of")
        assert made.decode(ids).strip() == f"the {word} of"
        assert (starts > 0).sum() == 3
        assert len(made.encode(f"x {word}")[0]) == 1 + len(made.encode("x")[0])
        assert max(ids) >= known.vocabulary.size
    assert "zeolite" not in chosen
    for place, token in enumerate(known.tokens):
        assert made.tokens[place] == token
    old = "a list of values is assigned to the name"
    assert made.decode(made.encode(old)[0]).strip() == old
    assert made.names == known.names
    assert made.vocabulary.special == known.vocabulary.special


def test_it_is_written_and_read_as_it_is(known, tmp_path) -> None:
    made = known.with_words(DOMAIN, 3)
    made.save(tmp_path)
    assert Tokenizer.load(tmp_path).fingerprint == made.fingerprint
    assert known.with_words(DOMAIN, 3).fingerprint == made.fingerprint
    assert known.with_words(DOMAIN, 2).fingerprint != made.fingerprint


def test_fewer_tokens_are_needed(known) -> None:
    made = known.with_words(DOMAIN, 4)
    assert len(made.encode(DOMAIN[0])[0]) < len(known.encode(DOMAIN[0])[0])


def test_what_cannot_be_extended_says_so(known, text) -> None:
    with pytest.raises(ValueError, match=r"tokenizer\.new_words=3: the tokenizer splits no word that the text has 2"):
        known.with_words(["a b c"], 3)
    letters = Tokenizer.train([text.read_text()], TokenizerSettings(kind="character", size=80))
    with pytest.raises(ValueError, match=r"words can be added to WordPiece, byte-level BPE and Unigram, not"):
        letters.with_words(DOMAIN, 3)
    with pytest.raises(ValueError, match=r"new_words=3 are added to a tokenizer that is there: give tokenizer\.file"):
        TokenizerSettings(new_words=3)
