"""Pairs of derived nouns, made from text."""

import pytest

from maskwright.evaluate.suites.morphology import derived, items

TEXT = "The happy dog was pure joy. Its happiness, and its purity! A curious, able cat came. Ability? Curiosity kills."


def test_a_pair_is_the_sentence_and_the_same_with_the_other_noun():
    pairs = [tuple(text.text for text in item.texts) for item in items([TEXT])]
    assert pairs == [
        ("Its happiness, and its purity!", "Its happity, and its purity!"),
        ("Its happiness, and its purity!", "Its happiness, and its pureness!"),
    ]
    assert [item.groups["ending"] for item in items([TEXT])] == ["ness", "ity"]


def test_capitals_are_other_words():
    assert not list(items(["A curious, able cat came. Ability? Curiosity kills."]))


@pytest.mark.parametrize(
    ("adjective", "ness", "ity"),
    [
        ("happy", "happiness", "happity"),
        ("able", "ableness", "ability"),
        ("curious", "curiousness", "curiosity"),
        ("pure", "pureness", "purity"),
        ("kind", "kindness", "kindity"),
    ],
)
def test_nouns_are_spelled_as_in_english(adjective, ness, ity):
    assert list(derived({adjective}, {adjective, ness})) == [(ness, ity)]
    assert list(derived({adjective}, {adjective, ity})) == [(ity, ness)]
    assert not list(derived({adjective}, {adjective, ness, ity}))


def test_words_that_no_adjective_leads_to_are_left_out():
    assert not list(items(["A witness and a harness."]))


def test_only_words_tagged_as_adjectives_count():
    assert [item.texts[0].text for item in items([TEXT], {"pure"})] == ["Its happiness, and its purity!"]


def test_the_command_scores_them(suite, tmp_path):
    (tmp_path / "held.txt").write_text(TEXT)
    (tmp_path / "tagged.txt").write_text("a_DT happy_JJ pure_JJ dog_NN ._.\n")
    found = suite("morphology", tmp_path / "held.txt", f"lexicon={tmp_path / 'tagged.txt'}")
    assert found["items"] == 2
    assert found["ending/ness/items"] == 1


def test_text_must_be_given_and_hold_a_pair(suite, tmp_path):
    with pytest.raises(ValueError, match="makes its pairs from text"):
        suite("morphology", None)
    (tmp_path / "held.txt").write_text("Nothing here.")
    with pytest.raises(ValueError, match="is empty"):
        suite("morphology", tmp_path / "held.txt")
