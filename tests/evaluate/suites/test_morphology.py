"""Pairs of derived nouns, made from text: matched in tokens and frequency, a mean over nouns, and what rules score."""

import numpy as np
import pytest

from maskwright.evaluate.scoring.minimal_pairs import ItemResults
from maskwright.evaluate.suites._derivation import Options, derived
from maskwright.evaluate.suites.morphology import accuracies, items, log_frequency, matched

TEXT = "The happy dog was pure joy. Its happiness, and its purity! A curious, able cat came. Ability? Curiosity kills."
PAIRS = {"happiness": "happity", "purity": "pureness"}


def test_a_pair_is_the_sentence_and_the_same_with_the_other_noun():
    pairs = [tuple(text.text for text in item.texts) for item in items([TEXT], PAIRS)]
    assert pairs == [
        ("Its happiness, and its purity!", "Its happity, and its purity!"),
        ("Its happiness, and its purity!", "Its happiness, and its pureness!"),
    ]
    assert [item.groups for item in items([TEXT], PAIRS)] == [
        {"ending": "ness", "noun": "happiness"}, {"ending": "ity", "noun": "purity"}
    ]  # fmt: skip


def test_capitals_are_other_words():
    assert not list(items(["Ability? Curiosity kills."], {"ability": "ableness", "curiosity": "curiousness"}))


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


def pairs(text, **options):
    return dict(derived(*Options(**options).words([text])))


class Letters:
    """A tokenizer with a token for each letter, and for what is in `whole`."""

    whole = (" bright", " odd", "ness", "ity", "oddness")

    def __init__(self):
        self.tokens = [*self.whole, *" abcdefghijklmnopqrstuvwxyz."]
        self.vocabulary = type("Vocabulary", (), {"size": len(self.tokens)})

    def encode_batch(self, texts):
        for text in texts:
            ids, left = [], text.lower()
            while left:
                token = next(token for token in self.tokens if left.startswith(token))
                ids.append(self.tokens.index(token))
                left = left[len(token) :]
            yield np.array(ids), None


def test_rivals_have_as_many_tokens_of_about_the_same_frequency():
    text = "bright brightness. odd oddness. red redness."
    found = matched(pairs(text), Letters(), np.zeros(32))
    assert found == {"brightness": "brightity", "oddness": "oddity", "redness": "redity"}
    short = Letters()
    short.tokens.insert(0, " redness")
    short.vocabulary.size = 33
    assert matched(pairs(text), short, np.zeros(33)) == {"brightness": "brightity", "oddness": "oddity"}
    rare = np.where(np.array(Letters().tokens) == "ity", np.log(1 / 4.1), 0.0)
    assert matched(pairs(text), Letters(), rare) == {}
    assert matched(pairs(text), Letters(), rare / 1.1)
    frequency = log_frequency([text], Letters())
    assert np.exp(frequency).sum() == pytest.approx(1)
    assert np.exp(frequency[2] - frequency[-2]) == pytest.approx(4)  # "ness" is there three times, "z" never


def test_bases_are_words_of_the_text_in_lower_case(tmp_path):
    assert pairs("a witness and a harness.") == {}
    assert pairs("Wit has wit. Har is a witness of harness.") == {"witness": "witity"}
    (tmp_path / "tagged.txt").write_text("An_DT odd_JJ bright_NN")
    text = "bright brightness. odd oddness."
    assert pairs(text, lexicon=tmp_path / "tagged.txt") == {"oddness": "oddity"}


def test_the_mean_is_over_nouns_and_then_over_endings():
    text = "oddness. oddness. oddness. redness. purity."
    asked = list(items([text], {"oddness": "oddity", "redness": "redity", "purity": "pureness"}))
    scores = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [2, 1]], float)
    found = accuracies(ItemResults(asked, scores))
    assert found["ending/ness/accuracy"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["ending/ity/accuracy"] == 1
    assert found["accuracy"] == pytest.approx((1 / 3 + 1) / 2)
    assert (found["nouns"], found["items"], found["ending/ness/nouns"], found["ending/ness/items"]) == (3, 5, 2, 4)
    assert found["low"] < found["accuracy"] < found["high"]
    again = accuracies(ItemResults([*asked, *asked], np.r_[scores, scores]))
    assert again["low"] == found["low"]  # the same nouns more often are no more nouns


def test_the_command_scores_them_beside_rules_and_an_untrained_model(suite, tmp_path):
    nouns = {"tame": "tameness", "noble": "nobleness", "durable": "durability", "visible": "visibility"}
    (tmp_path / "held.txt").write_text(" ".join(f"The {base} {noun} is new." for base, noun in nouns.items()))
    (tmp_path / "tagged.txt").write_text(" ".join(f"{word}_JJ" for word in nouns if word != "noble"))
    found = suite("morphology", tmp_path / "held.txt", f"lexicon={tmp_path / 'tagged.txt'}")
    assert 1 <= found["items"] == found["nouns"] <= 3
    assert found["fewer_tokens/accuracy"] == 0.5
    assert 0 <= found["frequent_tokens/accuracy"] <= 1
    assert 0 <= found["untrained/accuracy"] <= 1
    assert suite("morphology", tmp_path / "held.txt", f"lexicon={tmp_path / 'tagged.txt'}") == found


def test_text_must_be_given_and_hold_a_pair(suite, tmp_path):
    with pytest.raises(ValueError, match="makes its pairs from text"):
        suite("morphology", None)
    (tmp_path / "held.txt").write_text("Nothing here.")
    with pytest.raises(ValueError, match="is empty"):
        suite("morphology", tmp_path / "held.txt")
