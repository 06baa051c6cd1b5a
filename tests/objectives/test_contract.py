"""What every objective promises, whatever its file."""

import re
from dataclasses import replace
from functools import partial

import pytest
import torch

from maskwright.data.rows import Rows
from maskwright.objectives.base.contract import (
    FIELDS,
    PROPERTIES,
    batch_independence,
    exact_budget,
    has_target,
    no_leak,
    original_labels,
    padding,
    same_draw,
    separate_builds,
    shapes,
    special_tokens,
    untouched_rows,
    weighted_targets,
    with_options,
)  # fmt: skip
from maskwright.objectives.base.problem import Problem
from maskwright.objectives.mlm import Mlm
from maskwright.settings import settings

from ..handmade import VOCABULARY, rows


def same(one: Problem, other: Problem) -> bool:
    return all(torch.equal(getattr(one, field), getattr(other, field)) for field in FIELDS)


def later(some: Rows, epoch: int) -> Rows:
    return replace(some, epoch=torch.full_like(some.epoch, epoch))


def test_static_is_dynamic_without_the_epoch(objective):
    static, dynamic = objective(num_static_masks=1), objective()
    for epoch in range(3):
        assert same(static(rows(epoch=epoch), 0), dynamic(rows(epoch=0), 0))


def test_ten_patterns_come_again_after_ten_epochs(objective):
    ten, dynamic = objective(num_static_masks=10), objective()
    for epoch in (0, 3, 9, 10, 23):
        assert same(ten(rows(epoch=epoch), 0), dynamic(rows(epoch=epoch % 10), 0))


def test_who_judges_what_it_sees_says_why_and_does(objective):
    problem = objective()(rows(), 0)
    if why := objective().leak_exemption:
        assert (problem.targets == problem.inputs)[has_target(problem)].any()
        assert len(why.split()) > 5


def test_rows_without_a_token_to_ask_make_a_problem_of_no_weight(objective):
    nothing = replace(rows(), word=torch.zeros_like(rows().word), tokens=torch.full_like(rows().tokens, VOCABULARY.pad))
    nothing = replace(nothing, document=torch.full_like(nothing.document, -1))
    problem = objective()(nothing, 0)
    assert not has_target(problem).any()
    assert not problem.weights.any()


def test_an_exam_asks_the_same_every_time(objective):
    some = rows(count=2, length=16)
    one, other = list(objective().scoring(some)), list(objective().scoring(later(some, 4)))
    assert one
    assert all(same(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("promise", PROPERTIES)
def test_every_objective_keeps_its_promises(objective, promise):
    assert PROPERTIES[promise](objective, rows()) == ""


LEARNED: list[int] = []
"""What every broken objective shares."""


@settings
class Broken(Mlm):
    """Breaks a promise."""

    how: str
    """Which."""

    def corrupt(self, rows, noise):
        problem = super().corrupt(rows, noise)
        targets, weights, inputs = problem.targets.clone(), problem.weights.clone(), problem.inputs.clone()
        match self.how:
            case "leak":
                inputs = torch.where(has_target(problem), rows.tokens, inputs)
            case "label":
                targets[has_target(problem)] = inputs[has_target(problem)]
            case "weight":
                weights[0, has_target(problem)[0].nonzero()[0]] = 0
            case "special":
                inputs[:, 0] = 7
            case "batch":
                inputs = inputs.roll(len(inputs) // 2, 0) if len(inputs) % 2 else inputs
            case "random":
                inputs = torch.where(has_target(problem), torch.randint(5, 50, inputs.shape), inputs)
            case "rows":
                rows.tokens[0, 3] += 1
            case "dtype":
                weights = weights.double()
            case "shared":
                inputs = inputs.roll(len(LEARNED), 1)
        return replace(problem, inputs=inputs, targets=targets, weights=weights)

    def end_step(self):
        LEARNED.append(1)

    def select(self, rows, noise):
        units = super().select(rows, noise)
        if self.how == "padding":
            units[:, 2] = rows.word[:, 2] * (rows.tokens.shape[1] > 64)
        return units * 2 if self.how != "budget" else torch.where(torch.rand(units.shape) < self.ratio, rows.word, 0)


@pytest.mark.parametrize(("how", "property", "counterexample"), [
    ("leak", no_leak, r"^position \d+ of row \d+ sees the token of position \d+, which is its target$"),
    ("label", original_labels, r"^position \d+ of row \d+ has a target that is not its token$"),
    ("budget", exact_budget, r"^ratio=0.15: \d+ of \d+ positions are chosen in row \d+$"),
    ("weight", weighted_targets, r"^position \d+ of row 0 has a target without weight"),
    ("special", special_tokens, r"^position 0 of row 0 is a special token or padding but was replaced$"),
    ("batch", batch_independence, r"^rows \[3\] on their own: inputs differs$|^rows \[0, 5, 10\]"),
    ("padding", padding, r"^(inputs|targets) differs$"),
    ("random", same_draw, "^inputs differs$"),
    ("rows", untouched_rows, "^tokens or word of the rows were written to$"),
    ("shared", separate_builds, "^inputs differs$"),
    ("dtype", shapes, "^weights is torch.float64 of shape"),
])  # fmt: skip
def test_a_broken_promise_is_found(how, property, counterexample):
    torch.manual_seed(0)
    make = partial(with_options, Broken(how=how))
    assert re.search(counterexample, property(lambda **options: make(options), rows()))
