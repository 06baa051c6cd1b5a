"""Nonce adjectives made into nouns, in the format of the official test."""

import json

import pytest

from maskwright.evaluate.suites.nonce import made, shares

NESS, ITY = ["useful", "hopeful", "playful", "joyful"], ["legal", "local", "vocal"]
NOUNS = [*(f"A {word} {word}ness." for word in NESS), *(f"A {word} {word}ity." for word in ITY), "localness full"]
TEXT = " ".join(NOUNS)


@pytest.fixture
def words():
    known = {word.strip(".,").lower() for word in TEXT.split()}
    return {*NESS, *ITY, "full", "shal"}, known


def test_the_share_of_an_ending_is_that_of_its_nouns(words):
    assert shares(*words) == {"ful": 0.0, "al": 0.75}


def test_nonces_are_no_words_and_as_real_as_their_endings(words):
    found = list(made(*words, 30))
    assert 10 < len(found) <= 30
    assert found == list(made(*words, 30))
    assert {ratio for _, ratio in found} == {0.0, 0.75}
    for item, ratio in found:
        ity, ness = (set(text.text.strip(".!").replace(".", "").replace(",", "").split()) for text in item.texts)
        (one,), (other,) = ity - ness, ness - ity
        base = other.removesuffix("ness")
        assert one == f"{base}ity"
        assert base.endswith("ful" if ratio == 0 else "al")
        assert not {one, other, base} & words[1]
    assert len({item.texts for item, _ in found}) == len(found)


def test_items_are_asked_and_read_again_by_the_official_suite(suite, tmp_path):
    (tmp_path / "held.txt").write_text(TEXT)
    found = suite("nonce", tmp_path / "held.txt", "nonces=12", f"items={tmp_path / 'made'}")
    lines = (tmp_path / "made/wug_adj_nominalization/nonce.jsonl").read_text().splitlines()
    assert len(lines) == found["items"]
    assert json.loads(lines[0]).keys() == {"sentences", "ratio"}
    again = suite("wug_adj", tmp_path / "made")
    assert again == {name: found[name] for name in again}
    assert found.keys() - again.keys() == {
        f"{floor}/{name}" for floor in ("untrained", "fewer_tokens") for name in ("spearman", "accuracy")
    }
    assert found["untrained/spearman"] != found["spearman"]


def test_text_without_derived_nouns_is_refused(suite, tmp_path):
    (tmp_path / "held.txt").write_text("Nothing here.")
    with pytest.raises(ValueError, match="the text has 0 endings of adjectives with 3 nouns"):
        suite("nonce", tmp_path / "held.txt")
    with pytest.raises(ValueError, match="the suite nonce makes its pairs from text"):
        suite("nonce", None)
