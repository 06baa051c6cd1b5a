"""Diffusion: the weights make the bound, levels fill the line evenly, clusters and spans hide exactly what they say."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from maskwright.masking.select import IGNORE, count
from maskwright.noise import Noise, low_discrepancy
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.diffusion.clusters import spread, sticky
from maskwright.settings import from_mapping

from ..handmade import VOCABULARY, plain, rows
from .live import live

BIMODAL = ({"mean": 0.2, "spread": 0.1}, {"mean": 0.7, "spread": 0.2, "share": 2.0})


def hidden(problem):
    return problem.targets != IGNORE


@pytest.mark.parametrize("schedule", ["linear", "cosine", "log_linear", BIMODAL], ids=str)
def test_every_schedule_is_the_same_bound(schedule):
    problem = Diffusion(schedule=schedule)(plain(20000, 8), 0)
    many = hidden(problem).sum(1)
    for number in range(1, 9):
        share = float((many == number).double().mean())
        weight = problem.weights[many == number].sum(1).mean() / number
        assert share * float(weight) == pytest.approx(1 / number, rel=0.03)


def test_the_linear_weight_is_that_of_llada():
    problem = Diffusion()(plain(300, 20), 0)
    many = hidden(problem).sum(1, keepdim=True).expand_as(problem.targets)
    assert torch.allclose(problem.weights[hidden(problem)], (20 / many)[hidden(problem)], rtol=1e-5)
    assert set(Diffusion(weighted=False)(plain(300, 20), 0).weights.unique().tolist()) == {0.0, 1.0}


def test_gamma_softens_the_part_of_the_schedule():
    some = plain(300, 20)
    bound, none, half = (Diffusion(schedule="cosine", gamma=gamma)(some, 0).weights for gamma in (1.0, 0.0, 0.5))
    asked = bound > 0
    assert torch.allclose(half[asked] ** 2, (bound * none)[asked], rtol=1e-4)


def test_large_weights_are_cut_in_training_alone():
    for options in ({}, {"uniform": 0.5}, {"block_length": 8}):
        whole, less = (Diffusion(max_weight=most, **options) for most in (None, 1.5))
        problem, other = whole(plain(50, 20), 0), less(plain(50, 20), 0)
        assert float(problem.weights.max()) > 1.5
        assert torch.equal(other.weights, problem.weights.clamp(max=1.5))
        assert less.for_validation() == whole.for_validation()


def test_everything_hidden_is_a_mask_and_the_guaranteed_stay_visible():
    some = rows(60)
    problem = Diffusion(guaranteed_unmasked=0.4)(some, 0)
    assert (problem.inputs[hidden(problem)] == VOCABULARY.mask).all()
    assert torch.equal(problem.targets[hidden(problem)], some.tokens[hidden(problem)])
    known = some.maskable.sum(1)
    assert (hidden(problem).sum(1) <= torch.ceil(0.6 * known)).all()
    assert (hidden(problem).sum(1) > 0.5 * known).any()


@pytest.mark.parametrize("epochs", [False, True])
def test_levels_are_spread_evenly_over_rows_and_over_epochs(epochs):
    """The discrepancy of independent draws would be about 0.03 here."""
    line, still = torch.arange(1000), torch.full((1000,), 3)
    levels = low_discrepancy(Noise(4, line, still) if epochs else Noise(4, still, line), "level")
    assert np.abs(np.sort(levels) - np.arange(1000) / 1000).max() < 0.006


def test_the_exam_counts_every_token_once():
    some = rows(20)
    problems = list(Diffusion(levels=7).scoring(some))
    assert len(problems) == 7
    assert torch.allclose(sum(p.weights.sum(1) for p in problems), some.maskable.sum(1).float(), rtol=1e-5)
    reached = torch.stack([hidden(p).sum(1) for p in problems]).double() / some.maskable.sum(1).clamp(min=1)
    places = torch.arange(7)[:, None] / 7
    full = some.maskable.sum(1) >= 20
    assert ((reached > places) & (reached <= places + 1 / 7 + 0.05))[:, full].all()


def test_the_exam_of_a_model_without_context_is_its_likelihood():
    some = plain(4000, 10)
    price = torch.linspace(0.5, 3, VOCABULARY.size)
    bound = sum((p.weights * price[p.targets.clamp(min=0)]).sum(1) for p in Diffusion(levels=4).scoring(some))
    truth = price[some.tokens].sum(1)
    assert float((bound - truth).mean()) == pytest.approx(0, abs=4 * float((bound - truth).std()) / 4000**0.5)
    assert float((bound - truth).std()) > 0


def test_validation_is_the_bound_whatever_is_trained():
    odd = Diffusion(schedule="cosine", gamma=0.2, pattern={"max_ratio": 0.3}, levels=3)
    assert odd.for_validation() == Diffusion(levels=3)


def patterns(choose, budget, count_rows=40000, length=4):
    word = np.ones((count_rows, length), np.int32)
    keys = Noise(1, torch.zeros(count_rows), torch.arange(count_rows)).keys("x")
    found = choose(word, np.full(count_rows, budget, np.int64), keys)
    return Counter(tuple(np.flatnonzero(row)) for row in found)


def test_sticky_tokens_follow_their_weights():
    """Two of four: the first anywhere, the second by its weight, 3 beside the first and 1 elsewhere."""
    law = Counter()
    for first in range(4):
        weight = {other: 3 if abs(first - other) == 1 else 1 for other in range(4) if other != first}
        for other, w in weight.items():
            law[tuple(sorted((first, other)))] += w / sum(weight.values()) / 4
    found = patterns(lambda *rest: sticky(*rest, 1.0, 3.0), 2)
    assert set(found) == set(law)
    for pair, chance in law.items():
        assert found[pair] / 40000 == pytest.approx(chance, abs=4 * (chance / 40000) ** 0.5)


def test_sticky_extremes():
    assert set(patterns(lambda *rest: sticky(*rest, 0.0, 1.0), 2, 2000)) == {(0, 1), (1, 2), (2, 3)}
    assert set(patterns(lambda *rest: sticky(*rest, 1.0, 0.0), 2, 2000)) == {(0, 2), (0, 3), (1, 3)}
    assert set(patterns(lambda *rest: sticky(*rest, 1.0, 0.0), 4, 50)) == {(0, 1, 2, 3)}


def runs(places):
    return sum(place - 1 not in places for place in places)


def test_spans_are_any_choice_of_so_many_and_keep_the_budget():
    found = patterns(lambda *rest: spread(*rest, 2), 3, 24000, 6)
    every = [places for places in combinations(range(6), 3) if runs(places) == 2]
    assert set(found) == set(every)
    expected = 24000 / len(every)
    assert sum((found[one] - expected) ** 2 / expected for one in every) < len(every) - 1 + 4 * (2 * len(every)) ** 0.5


def test_more_spans_than_fit_are_as_many_as_fit():
    assert {runs(one) for one in patterns(lambda *rest: spread(*rest, 9), 3, 300, 6)} == {3}
    assert {runs(one) for one in patterns(lambda *rest: spread(*rest, 9), 5, 300, 6)} == {2}
    assert set(patterns(lambda *rest: spread(*rest, 2), 6, 20, 6)) == {(0, 1, 2, 3, 4, 5)}


def test_rare_tokens_are_hidden_more_often_and_the_budget_is_exact():
    some = replace(plain(800, 30), progress=1.0)
    objective, uniform = live(Diffusion(frequency=1.0)), Diffusion()
    first = objective(some, 0)
    assert torch.equal(first.inputs, uniform(some, 0).inputs)
    common = some.tokens.where(some.tokens != some.tokens[0, 5], some.tokens[0, 0])
    objective.observe(first, first.weights, first.weights > 0)
    assert torch.equal(
        objective.state_dict()["counts"], torch.bincount(some.tokens.flatten(), minlength=VOCABULARY.size)
    )
    objective.state_dict()["counts"][some.tokens[0, 0]] += 10**6
    problem = objective(replace(some, tokens=common), 0)
    assert torch.equal(hidden(problem).sum(1), hidden(first).sum(1))
    usual = common == some.tokens[0, 0]
    assert hidden(problem)[usual].float().mean() < 0.6 * hidden(problem)[~usual].float().mean()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"guaranteed_unmasked": 1.0}, "objective.guaranteed_unmasked=1.0"),
        ({"schedule": "sine"}, "objective.schedule"),
        ({"schedule": [{"mean": 1.5}]}, "objective.schedule"),
        ({"gamma": 2}, "objective.gamma=2"),
        ({"levels": 0}, "objective.levels=0"),
        ({"pattern": {"ratio": 1.2, "far": 1, "near": 1}}, "objective.pattern"),
    ],
)
def test_what_is_out_of_range_is_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_mapping(Diffusion, options, "objective")


def test_counts_of_what_can_be_hidden_leave_specials_out():
    some = rows(40)
    assert (hidden(Diffusion()(some, 3)).sum(1).numpy() <= count(some.word.numpy())).all()
