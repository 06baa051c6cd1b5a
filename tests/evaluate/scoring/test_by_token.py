"""What is said of each token and word is that of the plainest code, and adds up to the score of the text."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskwright.evaluate.scoring.backends import FIXED, choose
from maskwright.evaluate.scoring.by_token import by_token
from maskwright.evaluate.scoring.columns import of_texts, of_tokens, of_words
from maskwright.evaluate.scoring.frequency import log_frequencies
from maskwright.evaluate.scoring.scorer import Scorer, Text
from maskwright.evaluate.scoring.text_files import Item, likelihoods
from maskwright.evaluate.scoring.windows import Windows
from maskwright.models.modern import Modern
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.mirror import Mirror
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

from .conftest import SIZES, restless
from .test_scorer import LONG, TEXTS, chances


def scorer_of(judged, backend: str, objective=None) -> Scorer:
    return Scorer(judged.model, judged.tokenizer, choose(backend, objective)[1])


@pytest.mark.parametrize("backend", FIXED)
def test_a_token_is_scored_as_by_plain_loops(judged, backend) -> None:
    for text, found in zip(TEXTS, by_token(scorer_of(judged, backend), TEXTS), strict=True):
        assert found.log_prob == pytest.approx(chances(judged, backend, text), abs=1e-3)


@pytest.mark.parametrize(("backend", "objective"), [("own", Diffusion(levels=3)), ("fused", Mirror())])
def test_tokens_that_are_asked_for_more_than_once_add_up_to_the_text(judged, backend, objective) -> None:
    scorer = scorer_of(judged, backend, objective)
    found = by_token(scorer, TEXTS)
    assert [one.log_prob.sum() for one in found] == pytest.approx(scorer(map(Text, TEXTS)).total[0], abs=1e-3)
    asked = np.concatenate([one.rank for one in found])
    assert (asked[~np.isnan(asked)] >= 1).all()


@torch.no_grad()
def test_rank_and_entropy_are_those_of_the_distribution(judged) -> None:
    (found,) = by_token(scorer_of(judged, "mlm"), [TEXTS[0]])
    vocabulary, ids = judged.tokenizer.vocabulary, judged.tokenizer.encode(TEXTS[0])[0].tolist()
    for place, token in enumerate(ids):
        row = torch.tensor([[vocabulary.cls, *ids, vocabulary.sep]])
        row[0, place + 1] = vocabulary.mask
        chance = judged.model.logits(judged.model(row, None, None)[0, place + 1]).softmax(-1)
        assert found.entropy[place] == pytest.approx(float(-(chance * chance.log()).sum()), abs=1e-3)
        assert found.rank[place] == 1 + chance.argsort(descending=True).tolist().index(token)


@pytest.mark.parametrize("backend", ["causal", "mlm", "mlm_word"])
def test_a_text_in_windows_has_every_token_once(judged, backend) -> None:
    scorer, windows = scorer_of(judged, backend), Windows(30, 7, 0.5)
    first, whole = by_token(scorer, [TEXTS[0], LONG], windows)
    assert whole.ids.tolist() == judged.tokenizer.encode(LONG)[0].tolist()
    assert np.isfinite(whole.log_prob).all()
    totals = scorer([Text(TEXTS[0]), Text(LONG)], windows).total[0]
    assert [first.log_prob.sum(), whole.log_prob.sum()] == pytest.approx(totals, abs=1e-2)


WORDS = st.text(st.sampled_from("ab. é日\u3000'-\n"), min_size=1, max_size=12).filter(str.strip)


@given(st.lists(WORDS, min_size=1, max_size=3))
def test_words_add_up_to_tokens_and_tokens_to_the_text(judged, texts) -> None:
    items, scorer = [Item((text,)) for text in texts], scorer_of(judged, "mask_free")
    found = by_token(scorer, texts)
    tokens = of_tokens(items, found, judged.tokenizer, "nats")
    words = of_words(items, found, judged.tokenizer, "nats", {})
    for number, text in enumerate(texts, 1):
        mine = [row for row, n in enumerate(tokens["text_number"]) if n == number]
        parts = "".join(tokens["characters"][row] for row in mine)
        assert text.startswith(parts)
        assert text[len(parts) :].strip() == ""
        own = [row for row, n in enumerate(words["text_number"]) if n == number]
        assert [words["word"][row] for row in own] == text.split()
        assert sum(words["tokens"][row] for row in own) == len(mine)
        known = [words["log_prob_nats"][row] for row in own]
        if None not in known:
            assert sum(known) == pytest.approx(sum(tokens["log_prob_nats"][row] for row in mine), abs=1e-4)


def test_bits_are_nats_over_ln_2_and_a_columns_name_gives_way(judged) -> None:
    items = [Item(("A name is bound.",), {"rt": 3, "position": "x"})]
    found = by_token(scorer_of(judged, "causal"), ["A name is bound."])
    nats, bits = (of_tokens(items, found, judged.tokenizer, unit) for unit in ("nats", "bits"))
    assert np.array(bits["log_prob_bits"]) == pytest.approx(np.array(nats["log_prob_nats"]) / np.log(2))
    assert np.array(bits["entropy_bits"]) == pytest.approx(np.array(nats["entropy_nats"]) / np.log(2))
    assert set(nats["rt"]) == {3}
    assert set(nats["input_position"]) == {"x"}
    assert nats["position"] == list(range(1, len(found[0].ids) + 1))


def test_a_words_length_and_share_of_the_corpus_are_given(judged) -> None:
    frequencies = log_frequencies(["A", "(name)", "bound."], ["a a name", "Name, a!"])
    assert frequencies == pytest.approx({"a": np.log(4 / 8), "name": np.log(3 / 8), "bound": np.log(1 / 8)})
    found = by_token(scorer_of(judged, "causal"), ["A (name) sits."])
    words = of_words([Item(("A (name) sits.",))], found, judged.tokenizer, "nats", frequencies)
    assert words["length"] == [1, 6, 5]
    assert words["log_frequency_nats"] == [pytest.approx(np.log(4 / 8)), pytest.approx(np.log(3 / 8)), None]


@pytest.mark.parametrize("nothing", ["🙂", "\u200b", "\x07 \u0301"])
def test_a_text_of_nothing_that_the_tokenizer_knows_has_no_numbers(text: Path, nothing: str) -> None:
    """One of unknown characters, and one of which no token is left."""
    settings = TokenizerSettings(kind="wordpiece", size=404)
    tokenizer = Tokenizer.train(text.read_text(encoding="utf-8").split("\n\n"), settings)
    model = restless(Modern(**SIZES), tokenizer.vocabulary.size)
    scorer = Scorer(model, tokenizer, choose("mlm", None)[1])
    texts = [nothing, "A name."]
    items = [Item((one,)) for one in texts]
    found = by_token(scorer, texts)
    words = of_words(items, found, tokenizer, "nats", {})
    assert set(words["log_prob_nats"][: len(nothing.split())]) == {None}
    assert set(words["entropy_nats"][: len(nothing.split())]) == {None}
    assert words["word"] == [*nothing.split(), "A", "name."]
    tokens = of_tokens(items, found, tokenizer, "nats")
    assert {lost is None for number, lost in zip(tokens["text_number"], tokens["log_prob_nats"], strict=True)
            if number == 1} <= {True}  # fmt: skip
    figures = likelihoods(scorer, [(one,) for one in texts])
    assert [one["per_token"] is None for one in figures] == [True, False]
    assert of_texts(items, figures, "bits")["log_likelihood_bits"][0] is None
    assert likelihoods(scorer, [(nothing, "A name.")])[0]["likelier"] == "neither"
