"""Figures of generated texts: by hand on a few tokens, and on a law of text that is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from torch import nn

from maskwright.evaluate.generation.divergence import divergence, jensen_shannon
from maskwright.evaluate.generation.diversity import distinct, entropy, ngrams, overlap, rep, repetition
from maskwright.evaluate.generation.mauve import Clustered, area, clustered, quantised, reduced
from maskwright.evaluate.generation.quality import CausalScorer, evaluate_texts, shuffled
from maskwright.evaluate.generation.references import halves
from maskwright.evaluate.scoring.backends import FIXED
from maskwright.evaluate.statistics.bootstrap import interval, resampled

from ...handmade import VOCABULARY, split

HAND = np.array([[7, 8, 7, 8, 7, 8], [7, 8, 9, 10, 11, 12], [7, 7, 7, 7, 7, 7]])
ONCE = np.ones((1, 3))


def test_by_hand() -> None:
    assert entropy(HAND) == pytest.approx([np.log(2), np.log(6), 0], abs=1e-12)
    assert distinct(HAND, 1) == pytest.approx([2 / 6, 1, 1 / 6])
    assert distinct(HAND, 2) == pytest.approx([2 / 5, 1, 1 / 5])
    assert repetition(HAND) == pytest.approx([1 / 3, 0, 2 / 3])
    assert rep(HAND, window=1) == pytest.approx([0, 0, 1])
    assert rep(HAND, window=2) == pytest.approx([4 / 5, 0, 1])
    assert overlap(HAND, 2) == pytest.approx([3 / 5, 1 / 5, 0])  # 7 8 is in two texts
    assert overlap(HAND[:1]) == 0


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_ngrams_are_equal_where_their_tokens_are(n: int) -> None:
    tokens = np.random.default_rng(n).integers(3, size=(9, 12)) * 40_000
    plain = [tuple(row[i : i + n]) for row in tokens for i in range(13 - n)]
    numbers = ngrams(tokens, n).ravel().tolist()
    assert len(set(numbers)) == len(set(plain)) == len(set(zip(numbers, plain, strict=True)))


def test_jensen_shannon_divergence_is_in_bits() -> None:
    p, q = np.array([3.0, 1.0, 0.0]), np.array([0.0, 0.0, 5.0])
    assert jensen_shannon(p, 2 * p) == pytest.approx(0)
    assert jensen_shannon(p, q) == pytest.approx(1)
    half = np.array([0.0, 2.0, 0.0])  # m = 3/8, 5/8
    assert jensen_shannon(p, half) == pytest.approx((0.75 + 0.25 * np.log2(0.4) + np.log2(1.6)) / 2)


@pytest.mark.parametrize("n", [1, 2])
def test_divergence_of_texts_is_that_of_their_counts(n: int) -> None:
    draw = np.random.default_rng(0)
    ours, others = draw.integers(6, size=(5, 8)), draw.integers(3, 9, size=(7, 8))
    again = resampled(5, 3, "test")

    def plain(tokens: np.ndarray) -> float:
        numbers = np.split(ngrams(np.concatenate([tokens, others]), n), [len(tokens)])
        return float(jensen_shannon(*(np.bincount(part.ravel(), minlength=99) for part in numbers)))

    value, redrawn = divergence(ours, others, n, again)
    assert value == pytest.approx(plain(ours))
    assert redrawn == pytest.approx([plain(np.repeat(ours, many.astype(int), axis=0)) for many in again])


def test_the_area_under_a_frontier() -> None:
    """Between a coin and a certain side, R = (1 + λ)/2: the KL divergences are known, and the area by fine steps."""
    coin, sure = np.array([[0.5, 0.5]]), np.array([1.0, 0.0])
    assert area(coin, coin[0]) == pytest.approx(1)
    assert area(sure[None], np.array([0.0, 1.0])) == pytest.approx(5 * 120 * 24 / 3628800, rel=0.03)  # 5 B(6, 5)
    share = np.linspace(1, 0, 100_001)[1:-1]  # λ, of the coin
    x = (1 - share / 2) ** 5  # exp(−5 KL(sure‖R))
    y = np.exp(-2.5 * (np.log(0.5 / (1 - share / 2)) + np.log(0.5 / (share / 2))))
    exact = trapezoid(np.r_[1, y, 0], np.r_[0, x, 1])
    assert area(coin, sure) == pytest.approx(exact, abs=0.01)


def test_mauve_of_the_same_law_is_near_one_and_of_another_near_zero() -> None:
    draw = np.random.default_rng(0)
    p, q = draw.normal(size=(2, 400, 8)) + 1
    again = resampled(400, 50, "test"), resampled(400, 50, "others")
    value, redrawn = clustered(p, q).mauve(*again)
    assert clustered(p, p).mauve(*again)[0] == pytest.approx(1)
    assert 0.85 < value <= 1
    assert ((redrawn > 0) & (redrawn <= 1)).all()
    assert clustered(p, -q).mauve(*again)[0] < 0.05
    few = resampled(4, 2, "test")
    assert clustered(np.ones((4, 3)), np.ones((4, 3))).mauve(few, few)[0] == pytest.approx(1)


def test_the_interval_of_mauve_is_as_wide_as_its_error_and_its_bias_is_known() -> None:
    """Sets of shares that are drawn again and again from their laws: clusters are given, as the bootstrap has them."""
    draw, law = np.random.default_rng(3), np.array([[0.4, 0.3, 0.2, 0.1], [0.2, 0.3, 0.2, 0.3]])
    again = [resampled(150, 300, name) for name in ("test", "others")]
    values, errors, bounds = [], [], []
    for _ in range(150):
        mine, other = (np.eye(4)[draw.choice(4, 150, p=each)] for each in law)
        value, redrawn = Clustered(mine, other).mauve(*again)
        values.append(value)
        errors.append(redrawn.std())
        bounds.append(interval(value, redrawn))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.25)
    assert 0.88 < np.mean([low <= np.mean(values) <= high for low, high in bounds]) <= 1
    fixed = Clustered(mine, other).mauve(again[0], np.ones((300, 150)))[1].std()
    assert fixed < 0.85 * np.mean(errors)  # with the reference for granted, too narrow
    alike = [np.eye(40)[draw.choice(40, (2, 100))] for _ in range(60)]
    found = [Clustered(*each).mauve(*[np.ones((1, 100))] * 2)[0] for each in alike]
    assert np.mean(found) < 0.9  # one law, and so few texts
    assert np.mean([Clustered(*each).same()[0] for each in alike[:10]]) == pytest.approx(np.mean(found), abs=0.02)


def test_clusters_that_lie_apart_are_found() -> None:
    draw = np.random.default_rng(1)
    truth = np.repeat(np.arange(4), 30)
    label = quantised(8 * np.eye(4)[truth] + draw.normal(size=(120, 4)), 4)
    assert len({(a, b) for a, b in zip(truth, label, strict=True)}) == 4
    spread = draw.normal(size=(500, 3)) * [4, 2, 0.01] + [30, 30, 30]
    assert reduced(spread).shape[1] <= 2


def test_intervals_hold_their_value_and_are_as_wide_as_the_law_says() -> None:
    values = np.random.default_rng(2).normal(size=400)
    low, high = interval(values.mean(), resampled(400, 2000, "test") @ values / 400)
    assert low < values.mean() < high
    assert (high - low) == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)


class Chain(nn.Module):
    """A causal model whose next token depends on the last alone: scores [V, V]."""

    max_length = 66

    def __init__(self, scores: torch.Tensor) -> None:
        super().__init__()
        self.scores = nn.Parameter(scores)

    def forward(self, tokens: torch.Tensor, mask: object, positions: object) -> torch.Tensor:
        return nn.functional.one_hot(tokens, len(self.scores)).float()

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden @ self.scores


ORDINARY = VOCABULARY.ordinary


@pytest.fixture(scope="module")
def scorer() -> CausalScorer:
    """A peaked chain over the ordinary tokens, in which the first follows itself nine times in ten."""
    scores = torch.full((VOCABULARY.size, VOCABULARY.size), -20.0)
    draw = torch.from_numpy(np.random.default_rng(3).normal(size=(VOCABULARY.size, len(ORDINARY)))).float()
    scores[:, ORDINARY] = 2 * draw
    scores[ORDINARY[0], ORDINARY[0]] = 2 * draw[0].exp().sum().log() + 9
    tokenizer = SimpleNamespace(vocabulary=VOCABULARY, decode=lambda ids: "é" * len(ids))
    return CausalScorer(Chain(scores), tokenizer, FIXED["causal"], batch_tokens=200)


def texts(scorer: CausalScorer, count: int, length: int = 40, seed: int = 0) -> np.ndarray:
    """Draws from the chain, but never from its first token, which it would not leave."""
    draw = np.random.default_rng(seed)
    law = scorer.model.scores.detach().softmax(1).double().numpy()[:, ORDINARY[1:]]
    ladder = (law / law.sum(1, keepdims=True)).cumsum(1)
    tokens = np.full((count, length + 1), VOCABULARY.cls)
    for place in range(length):
        luck = draw.random(count)[:, None] * (1 - 1e-9)
        tokens[:, place + 1] = ORDINARY[1:][(ladder[tokens[:, place]] < luck).sum(1)]
    return tokens[:, 1:]


def test_a_text_costs_what_the_model_says(scorer: CausalScorer) -> None:
    tokens = texts(scorer, 7)
    read = scorer(tokens)
    law = scorer.model.scores.detach().log_softmax(1).numpy()
    before = np.concatenate([np.full((7, 1), VOCABULARY.cls), tokens[:, :-1]], 1)
    assert read.nats == pytest.approx(-law[before, tokens].sum(1), rel=1e-5)
    assert (read.bytes == 80).all()
    assert read.vectors.shape == (7, VOCABULARY.size)
    assert read.vectors[0, tokens[0, 0]] == pytest.approx((tokens[0] == tokens[0, 0]).sum() / 42)
    with pytest.raises(ValueError, match="texts of 65 tokens: the scorer takes at most 64"):
        scorer(np.full((2, 65), 7))


def test_held_out_text_is_judged_as_the_reference_and_a_repeated_word_is_not(scorer: CausalScorer) -> None:
    reference, same = texts(scorer, 120, seed=1), texts(scorer, 120, seed=2)
    fair, own = evaluate_texts(same, reference, scorer), evaluate_texts(reference, reference, scorer)
    for name in ("perplexity", "bits_per_byte", "entropy", "distinct_1", "rep_16", "repetition"):
        assert fair[f"{name}_low"] <= own[name] <= fair[f"{name}_high"], name
    assert own["unigram_js"] == own["bigram_js"] == 0
    assert own["mauve"] == pytest.approx(1)
    assert fair["bits_per_byte"] == pytest.approx(np.log2(fair["perplexity"]) / 2)

    stuck = evaluate_texts(np.full((120, 40), ORDINARY[0]), reference, scorer)
    assert stuck["perplexity"] < 2 < fair["perplexity"] / 2
    assert (stuck["entropy"], stuck["rep_16"], stuck["overlap"], stuck["unigram_js"]) == (0, 1, 1, 1)
    assert stuck["repetition"] == pytest.approx(36 / 37)
    assert stuck["mauve"] < 0.05

    mixed = evaluate_texts(shuffled(same), reference, scorer)
    assert mixed["perplexity"] > 1.5 * fair["perplexity"]
    assert mixed["unigram_js"] == pytest.approx(fair["unigram_js"])
    assert mixed["bigram_js"] > fair["bigram_js"]


def test_what_depends_on_the_number_of_texts_takes_as_many_as_there_are_references(scorer: CausalScorer) -> None:
    reference, many = texts(scorer, 20, seed=1), texts(scorer, 60, seed=2)
    whole, part = evaluate_texts(many, reference, scorer), evaluate_texts(many[:20], reference, scorer)
    for name in ("unigram_js", "bigram_js", "overlap"):
        assert whole[name] == part[name]
    assert whole["perplexity"] != part["perplexity"]
    assert "mauve" not in whole


def test_what_cannot_be_judged(scorer: CausalScorer) -> None:
    some = texts(scorer, 4)
    with pytest.raises(ValueError, match=r"texts of 40 tokens against texts of 39: give equal lengths"):
        evaluate_texts(some, some[:, 1:], scorer)
    with pytest.raises(ValueError, match="of at least 5"):
        evaluate_texts(some[:, :4], some[:, :4], scorer)
    with pytest.raises(ValueError, match="1 texts against 4: give at least two of both"):
        evaluate_texts(some[:1], some, scorer)


def test_pieces_of_held_out_text_are_whole_and_of_different_documents() -> None:
    text = split([5, 24, 31, 9, 50, 12, 16], unknown=0.0)
    first, second = halves(text, VOCABULARY, 8, 100)
    assert [len(first), len(second)] == [3 + 1 + 1 + 0, 3 + 6 + 2]  # documents 24, 9, 12 and 31, 50, 16 by turns
    documents = np.split(text.tokens.astype(int), text.offsets[1:-1])
    whole = {tuple(piece) for document in documents for piece in document[: len(document) // 8 * 8].reshape(-1, 8)}
    assert {tuple(piece) for piece in np.concatenate([first, second]).tolist()} <= whole
    assert len(halves(text, VOCABULARY, 8, 4)[1]) == 4
    for begin, end in zip(text.offsets, text.offsets[1:], strict=False):
        text.tokens[begin:end:8] = 57
    with pytest.raises(ValueError, match=r"the held-out text has 16 pieces of 8 tokens in 6 documents, too few"):
        halves(text, VOCABULARY, 8, 4)
