"""The laws of length: truncated, never taken modulo; the last position is like any other."""

import numpy as np
import pytest
import torch

from maskwright.noise import Noise
from maskwright.objectives.ranked_span import RankedSpan
from maskwright.objectives.span import Span

from ..handmade import plain


def units(objective, some):
    return objective.select(some, Noise(0, some.epoch, some.ids)).numpy()


def first_spans(objective, count=6000, length=200):
    """The lengths of the first spans of many rows, where these lie inside the row."""
    found = units(objective, plain(count, length))
    inside = (found[:, : objective.max_span_length] != 1).all(1) & (found[:, -objective.max_span_length :] != 1).all(1)
    return (found[inside] == 1).sum(1)


@pytest.mark.parametrize(("p", "longest"), [(0.3, 10), (1 / 3, 3), (0.2, 5)])
def test_span_lengths_are_geometric_and_truncated(p, longest):
    objective = Span(geometric_p=p, max_span_length=longest)
    counts = np.bincount(first_spans(objective), minlength=longest + 1)
    law = p * (1 - p) ** np.arange(longest) / (1 - (1 - p) ** longest)
    assert counts[0] == 0
    assert objective.lengths_at(0) == pytest.approx(law)
    chi2 = ((counts[1:] - counts.sum() * law) ** 2 / (counts.sum() * law)).sum()
    assert chi2 < longest - 1 + 4 * np.sqrt(2 * (longest - 1))


def test_spans_of_length_one_come_to_an_end():
    found = units(Span(max_span_length=1), plain(20, 30))
    for row in found:
        assert all((row == number).sum() <= 1 for number in range(1, row.max() + 1))
    assert (found > 0).any(1).all()


@pytest.mark.parametrize("objective", [Span(), Span(max_span_length=1), Span(max_span_length=40)])
def test_the_first_and_the_last_position_are_chosen_like_any_other(objective):
    often = (units(objective, plain(4000, 12)) > 0).mean(0)
    assert abs(often - often.mean()).max() < 4.5 * np.sqrt(0.15 * 0.85 / 4000)


def test_tiles_reach_both_ends():
    often = (units(RankedSpan(), plain(4000, 64)) > 0).mean(0)
    assert abs(often - 0.15).max() < 0.03


def test_tiles_are_uniform():
    found = units(RankedSpan(max_span_length=3, ratio=0.5), plain(3000, 99))
    sizes = [(row == 1).sum() for row in found if not row[-3:].any()]
    counts = np.bincount(sizes, minlength=4)[1:]
    assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < 2 + 4 * np.sqrt(4)


def test_overlapping_spans_ask_for_the_original():
    some = plain(50, 40)
    problem = Span(ratio=0.8, random_prob=0.5, keep_prob=0.0)(some, 0)
    chosen = problem.weights > 0
    assert torch.equal(problem.targets[chosen], some.tokens[chosen])
