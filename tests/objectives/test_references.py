"""Each kernel against a plain Python version of the same sentence, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from maskwright import noise as bits
from maskwright.masking.select import IGNORE
from maskwright.noise import Noise
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.ranked_span import RankedSpan
from maskwright.objectives.span import Span
from maskwright.objectives.whole_word import WholeWord

from ..handmade import rows


@pytest.fixture(params=[(12, 64, 0), (40, 16, 3)], ids=str)
def some(request):
    count, length, epoch = request.param
    return rows(count, length, epoch)


def draw(key, index):
    return np.uint64(bits.draw(key, index))


def noise(some):
    return Noise(9, some.epoch, some.ids)


def shuffled(things, key, steps):
    """The first steps of Fisher and Yates."""
    things = list(things)
    for j in range(min(steps, len(things))):
        r = j + bits.below(draw(key, j), len(things) - j)
        things[j], things[r] = things[r], things[j]
    return things


def words(group):
    """The positions of each unit of a row."""
    found = {}
    for i in np.flatnonzero(group > 0):
        found.setdefault(group[i], []).append(i)
    return list(found.values())


def numbered(length, units):
    """A row of unit numbers."""
    row = np.zeros(length, np.int32)
    for number, unit in enumerate(units, 1):
        row[unit] = number
    return row


@pytest.mark.parametrize("balance", [False, True])
def test_tokens(some, balance):
    objective = Mlm(ratio=0.3, balance=balance)
    budget, first, keys = objective.budget_and_order(some, noise(some))
    for b, row in enumerate(objective.select(some, noise(some)).numpy()):
        free = np.flatnonzero(some.word[b] > 0)
        order = shuffled(free, keys[b], len(free))
        taken = [order[j % len(free)] for j in range(first[b], first[b] + budget[b])]
        assert np.array_equal(row, numbered(len(row), taken))


def test_whole_words(some):
    objective = WholeWord(ratio=0.3)
    budget, _, keys = objective.budget_and_order(some, noise(some))
    for b, row in enumerate(objective.select(some, noise(some)).numpy()):
        units, left, taken = words(some.word[b].numpy()), budget[b], []
        order = shuffled(units, keys[b], len(units))
        for unit in order:
            if len(unit) <= left:
                taken, left = [*taken, unit], left - len(unit)
        assert np.array_equal(row, numbered(len(row), taken or order[:1]))


@pytest.mark.parametrize("balance", [False, True])
def test_ranked_spans(some, balance):
    objective = RankedSpan(ratio=0.3, balance=balance, max_span_length=3)
    budget, first, keys = objective.budget_and_order(some, noise(some))
    lengths = objective.order(noise(some)).keys("length")
    for b, row in enumerate(objective.select(some, noise(some)).numpy()):
        ends = np.cumsum([1 + bits.below(draw(lengths[b], j), 3) for j in range(len(row))])
        tiles = np.searchsorted(ends, np.arange(len(row)), side="right") * 1000 + np.cumsum(some.word[b].numpy() == 0)
        order = shuffled(units := words(np.where(some.word[b] > 0, tiles + 1, 0)), keys[b], len(units))
        places = [(j, i) for j, unit in enumerate(order) for i in unit] * 2
        taken = [i for _, i in places[first[b] : first[b] + budget[b]]]
        assert sorted(np.flatnonzero(row)) == sorted(taken)


def test_spans(some):
    objective = Span(ratio=0.3, max_span_length=4)
    budget, _, keys = objective.budget_and_order(some, noise(some))
    ladder = objective.lengths_at(0).cumsum().astype(np.float32)
    for b, row in enumerate(objective.select(some, noise(some)).numpy()):
        expected, number, length = np.zeros_like(row), 0, 1 + np.flatnonzero(some.word[b])[-1]
        while (expected > 0).sum() < budget[b]:
            size = 1 + int((bits.fraction(draw(keys[b], 2 * number)) >= ladder[:-1]).sum())
            size = min(size, budget[b] - (expected > 0).sum())
            begin = bits.below(draw(keys[b], 2 * number + 1), length + size - 1) - size + 1
            number += 1
            for i in range(max(begin, 0), min(begin + size, length)):
                if some.word[b, i] > 0 and expected[i] == 0:
                    expected[i] = number
        assert np.array_equal(row, expected)


@pytest.mark.parametrize("corruption_unit", ["token", "span"])
def test_replacement(some, corruption_unit):
    objective = Span(ratio=0.3, random_prob=0.2, keep_prob=0.3, corruption_unit=corruption_unit)
    units = objective.select(some, noise(some))
    problem = objective.corrupt(some, noise(some))
    fates, others = noise(some).keys("fate"), noise(some).keys("other")
    for b in range(len(some)):
        expected = some.tokens[b].clone()
        for i in np.flatnonzero(units[b]):
            luck = bits.fraction(draw(fates[b], units[b, i].item() if corruption_unit == "span" else i))
            other = some.vocabulary.ordinary[bits.below(draw(others[b], i), len(some.vocabulary.ordinary))]
            kept = other if luck < np.float32(0.2) else expected[i]
            expected[i] = kept if luck < np.float32(0.5) else some.vocabulary.mask
        assert torch.equal(problem.inputs[b], expected)
    assert torch.equal(problem.targets, torch.where(units > 0, some.tokens, IGNORE))
    assert torch.equal(problem.weights, (units > 0).float())


def test_a_word_with_a_special_id_inside_is_one_word(some):
    word = some.word.clone()
    word[:, 5], word[:, 4], word[:, 6] = 0, 2, 2
    one = replace(some, word=torch.where(torch.arange(word.shape[1]) < 7, word, 0))
    units = WholeWord(ratio=0.5).select(one, noise(one))
    assert torch.equal(units[:, 4], units[:, 6])
    assert not units[:, 5].any()
