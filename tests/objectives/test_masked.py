"""What every masking objective promises besides: the budget, the fates, the balance."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
import torch

from maskwright.masking.parallel import by_rows
from maskwright.masking.select import IGNORE
from maskwright.noise import Noise
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.ranked_span import RankedSpan
from maskwright.objectives.whole_word import WholeWord
from maskwright.settings.schedule import Ramp

from ..handmade import VOCABULARY, plain, rows

SPECIAL = torch.from_numpy(VOCABULARY.is_special)


def chosen(problem):
    return problem.targets != IGNORE


def words_of_two(some):
    return replace(some, word=(some.word + 1) // 2)


def test_the_original_is_asked_for(masked):
    for epoch in range(20):
        some = rows(epoch=epoch)
        problem = masked(ratio=0.5)(some, 0)
        assert torch.equal(problem.targets, torch.where(chosen(problem), some.tokens, IGNORE))


def test_special_ids_are_never_chosen_and_never_drawn(masked):
    some = rows(count=12)
    for epoch in range(20):
        problem = masked(random_prob=1.0, keep_prob=0.0, ratio=0.5)(replace(some, epoch=some.epoch + epoch), 0)
        assert not SPECIAL[some.tokens[chosen(problem)]].any()
        assert not SPECIAL[problem.inputs[chosen(problem)]].any()


def test_random_tokens_are_even_over_the_vocabulary(masked):
    problem = masked(random_prob=1.0, keep_prob=0.0)(plain(200, 256), 0)
    counts = np.bincount(problem.inputs[chosen(problem)], minlength=VOCABULARY.size)[VOCABULARY.ordinary]
    expected = counts.sum() / len(counts)
    dof = len(counts) - 1
    assert abs(((counts - expected) ** 2 / expected).sum() - dof) < 4 * np.sqrt(2 * dof)


@pytest.mark.parametrize("ratio", [0.15, 0.3, 0.5, 0.9])
def test_the_budget_is_exact(masked, ratio):
    some = plain(100, 64)
    share = chosen(masked(ratio=ratio)(some, 0)).sum(1)
    assert set(share.tolist()) <= {int(64 * ratio), int(64 * ratio) + 1}
    assert abs(share.double().mean() - 64 * ratio) < 4 * 0.5 / 10


def test_the_budget_follows_a_schedule(masked):
    some = plain(50, 100)
    ramp = masked(ratio=Ramp(start=0.5, end=0.1))
    for progress, expected in ((0.0, 50), (0.5, 30), (1.0, 10)):
        assert abs(chosen(ramp(replace(some, progress=progress), 0)).sum(1) - expected).max() <= 1


def test_the_realised_ratio_is_the_ratio(masked):
    some = rows(count=70)
    share = [chosen(masked()(replace(some, epoch=some.epoch + e), 0)).sum() / some.maskable.sum() for e in range(10)]
    assert np.mean(share) == pytest.approx(0.15, abs=0.004)


@pytest.mark.parametrize("options", [{}, {"balance": True}], ids=["", "balance"])
def test_no_row_goes_without(masked, options):
    some = words_of_two(plain(50, 4))
    try:
        objective = masked(ratio=0.05, **options)
    except ValueError:
        pytest.skip("this objective refuses to be balanced")
    for epoch in range(9):
        now = replace(some, epoch=some.epoch + epoch)
        assert chosen(objective(now, 0)).any(1).all()


def test_a_row_may_go_without(masked):
    asked = chosen(masked(ratio=0.1, at_least_one=False)(plain(200, 6), 0)).sum(1)
    assert 0.4 < asked.double().mean() < 0.8
    assert asked.min() == 0


def test_fates_move_no_position(masked):
    some = rows(count=12)
    places = [chosen(masked(**options)(some, 0)) for options in (
        {}, {"corruption_unit": "span"}, {"random_prob": 0.0, "keep_prob": 0.0},
        {"random_prob": 1.0, "keep_prob": 0.0}, {"keep_prob": 0.9},
    )]  # fmt: skip
    assert all(torch.equal(place, places[0]) for place in places)


@pytest.mark.parametrize(("random", "keep"), [(0.1, 0.1), (0.0, 0.0), (0.5, 0.3), (0.0, 1.0)])
@pytest.mark.parametrize("corruption_unit", ["token", "span"])
def test_fates_come_in_their_shares(masked, random, keep, corruption_unit):
    some = plain(200, 128)
    problem = masked(random_prob=random, keep_prob=keep, corruption_unit=corruption_unit)(some, 0)
    inputs, tokens = problem.inputs[chosen(problem)], some.tokens[chosen(problem)]
    hidden = (inputs == VOCABULARY.mask).double().mean()
    same = (inputs == tokens).double().mean()
    assert hidden == pytest.approx(1 - random - keep, abs=0.03)
    assert same == pytest.approx(keep + random / 110, abs=0.03)
    if random == keep == 0:
        assert hidden == 1


def test_a_unit_has_one_fate(masked):
    some = words_of_two(plain(40, 60))
    units = masked().select(some, Noise(0, some.epoch, some.ids))
    problem = masked(corruption_unit="span", random_prob=0.0, keep_prob=0.5)(some, 0)
    for b in range(40):
        for unit in range(1, units[b].max() + 1):
            assert (problem.inputs[b, units[b] == unit] == VOCABULARY.mask).unique().numel() <= 1


def test_units_are_numbered_as_they_were_chosen(masked):
    some = rows(count=12)
    units = masked().select(some, Noise(0, some.epoch, some.ids))
    assert units.dtype == torch.int32
    for row in units:
        numbers = row.unique()
        assert numbers.tolist()[0] == 0
        assert len(numbers) > 1


def test_every_position_is_as_likely(masked):
    often = sum(chosen(masked(ratio=0.25)(plain(500, 20, epoch=epoch), 0)).sum(0) for epoch in range(4)).double()
    assert often.sum() == pytest.approx(2000 * 20 * 0.25, rel=0.01)
    assert abs(often / 2000 - 0.25).max() < 4.5 * (0.25 * 0.75 / 2000) ** 0.5


def test_threads_change_nothing(masked, monkeypatch):
    some = rows(count=40)
    alone = masked()(some, 0)
    monkeypatch.setattr("maskwright.masking.parallel.WORTH_A_THREAD", 100)
    monkeypatch.setattr("maskwright.masking.parallel.CORES", 3)
    shared = masked()(some, 0)
    assert torch.equal(alone.inputs, shared.inputs)
    assert torch.equal(alone.targets, shared.targets)


def test_threads_do_not_follow_into_a_forked_worker(monkeypatch):
    monkeypatch.setattr("maskwright.masking.parallel.WORTH_A_THREAD", 1)
    monkeypatch.setattr("maskwright.masking.parallel.CORES", 3)
    some, objective = rows(), Mlm()
    here = objective(some, 0).inputs
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as worker:
        there = worker.submit(asked_in_a_worker, objective, some).result(timeout=60)
    assert torch.equal(here, torch.tensor(there))


def asked_in_a_worker(objective, some):
    return objective(some, 0).inputs.tolist()


def test_rows_are_shared_out_once_each(monkeypatch):
    monkeypatch.setattr("maskwright.masking.parallel.WORTH_A_THREAD", 1)
    monkeypatch.setattr("maskwright.masking.parallel.CORES", 3)
    for count in (0, 1, 2, 7):
        seen = []
        by_rows(lambda begin, end, seen=seen: seen.extend(range(begin, end)), count, 10)
        assert sorted(seen) == list(range(count))


@pytest.mark.parametrize("ratio", [0.15, 0.2, 0.4])
def test_a_balanced_objective_hides_all_before_any_twice(ratio):
    for objective in (Mlm(ratio=ratio, balance=True), RankedSpan(ratio=ratio, balance=True)):
        for cycle in range(2):
            times = torch.zeros(30, 64, dtype=torch.int64)
            for turn in range(objective.cycle):
                now = chosen(objective(plain(30, 64, epoch=cycle * objective.cycle + turn), 0))
                assert set(now.sum(1).tolist()) <= {int(64 * ratio), int(64 * ratio) + 1}
                assert (now & (times > times.min(1, keepdim=True).values)).sum() == 0 or turn == objective.cycle - 1
                times += now
            assert times.min() == 1
            assert times.max() <= 2


def test_a_balanced_objective_deals_each_word_once():
    objective = WholeWord(ratio=0.25, balance=True)
    some = words_of_two(plain(30, 64))
    times = sum(chosen(objective(replace(some, epoch=some.epoch + turn), 0)).long() for turn in range(4))
    assert (times == 1).double().mean() > 0.95
    assert times.min() == 1


def test_balanced_short_rows_take_turns():
    objective = Mlm(balance=True)
    times = sum(chosen(objective(plain(30, 3, epoch=epoch), 0)).long() for epoch in range(6))
    assert times.unique().tolist() == [2]


def test_balance_counts_on_a_constant_ratio():
    with pytest.raises(ValueError, match="balance needs a constant ratio"):
        Mlm(balance=True, ratio=Ramp(start=0.4, end=0.1))


def test_pseudo_likelihood_asks_for_every_token_once(masked):
    some = rows(count=3, length=24)
    problems = list(masked().scoring(some))
    assert torch.equal(sum(chosen(problem).long() for problem in problems) > 0, some.maskable)
    for problem in problems:
        assert (chosen(problem).sum(1) <= 1).all()
        assert (problem.inputs[chosen(problem)] == VOCABULARY.mask).all()
