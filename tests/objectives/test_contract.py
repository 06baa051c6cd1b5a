"""What every objective promises, whatever its file."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import pad

from maskwright.attention import BACKWARD, BOTH, FORWARD, mask
from maskwright.data.rows import Rows
from maskwright.masking.select import IGNORE
from maskwright.objectives.base.problem import Problem

from ..handmade import VOCABULARY, plain, rows

SPECIAL = torch.from_numpy(VOCABULARY.is_special)
FIELDS = ("inputs", "targets", "weights", "view", "prefix_mask", "source_row")


def same(one: Problem, other: Problem) -> bool:
    return all(torch.equal(getattr(one, field), getattr(other, field)) for field in FIELDS)


def asked(problem: Problem) -> torch.Tensor:
    return problem.targets != IGNORE


def later(some: Rows, epoch: int) -> Rows:
    return replace(some, epoch=torch.full_like(some.epoch, epoch))


def test_a_problem_has_its_shapes_and_kinds(objective):
    some = rows()
    problem = objective()(some, 0)
    for field, kind in (("inputs", torch.int64), ("targets", torch.int64), ("weights", torch.float32)):
        assert getattr(problem, field).shape == (len(problem), some.tokens.shape[1])
        assert getattr(problem, field).dtype == kind
    assert problem.view.shape == problem.source_row.shape == (len(problem),)
    assert set(problem.source_row.tolist()) == set(range(len(some)))
    assert set(problem.view.tolist()) <= {BOTH, FORWARD, BACKWARD}
    assert problem.prefix_mask.shape == problem.inputs.shape
    assert problem.prefix_mask.dtype == torch.bool


def test_a_row_alone_is_what_it_is_in_any_batch(objective):
    some, problem = rows(), objective()(rows(), 0)
    for part in ([3], [0, 5, 10], [7, 2, 9]):
        alone = objective()(some[torch.tensor(part)], 0)
        theirs = problem[torch.cat([torch.nonzero(problem.source_row == row)[:, 0] for row in part])]
        assert all(torch.equal(getattr(alone, field), getattr(theirs, field)) for field in FIELDS[:-1])


def test_more_padding_changes_nothing(objective):
    some = rows()
    wider = replace(
        some,
        tokens=pad(some.tokens, (0, 9), value=VOCABULARY.pad),
        document=pad(some.document, (0, 9), value=-1),
        word=pad(some.word, (0, 9)),
    )
    problem, more = objective()(some, 0), objective()(wider, 0)
    for field in ("inputs", "targets", "weights"):
        assert torch.equal(getattr(more, field)[:, :64], getattr(problem, field))


def test_the_same_address_gives_the_same_problem(objective):
    assert same(objective()(rows(), 5), objective()(rows(), 5))


def test_static_is_dynamic_without_the_epoch(objective):
    static, dynamic = objective(num_static_masks=1), objective()
    for epoch in range(3):
        assert same(static(rows(epoch=epoch), 0), dynamic(rows(epoch=0), 0))


def test_ten_patterns_come_again_after_ten_epochs(objective):
    ten, dynamic = objective(num_static_masks=10), objective()
    for epoch in (0, 3, 9, 10, 23):
        assert same(ten(rows(epoch=epoch), 0), dynamic(rows(epoch=epoch % 10), 0))


def test_what_is_asked_has_weight_and_nothing_else(objective):
    problem = objective()(rows(), 0)
    assert torch.equal(problem.weights > 0, asked(problem))
    assert not (problem.weights < 0).any()


def test_special_ids_and_padding_stay(objective):
    some = rows()
    problem = objective()(some, 0)
    text, fixed = some.tokens[problem.source_row], ~some.maskable[problem.source_row]
    assert torch.equal(problem.inputs[fixed], text[fixed])
    assert not asked(problem)[some.document[problem.source_row] < 0].any()


def sees(problem: Problem, some: Rows) -> torch.Tensor:
    """[B, L, L] bool, which positions each position sees."""
    seen = mask(some.document[problem.source_row], problem.view, problem.prefix_mask)
    return torch.ones(*problem.inputs.shape, some.tokens.shape[1], dtype=torch.bool) if seen is None else seen[:, 0]


@pytest.mark.parametrize("epoch", [0, 1])
def test_nothing_that_is_seen_tells_what_is_asked(objective, epoch):
    some, knobs = rows(count=6, length=32, epoch=epoch), {"keep_prob": 0.0}
    judges = objective().leak_exemption
    before = objective(**knobs)(some, 0)
    found = 0
    for place in range(32):
        tokens = some.tokens.clone()
        tokens[:, place] = torch.where(some.maskable[:, place], 5 + (tokens[:, place] + 11) % 50, tokens[:, place])
        after = objective(**knobs)(replace(some, tokens=tokens), 0)
        told = (after.targets != before.targets) & asked(before)  # [P, L] they ask for this place
        found += told.sum()
        if judges:  # a token that is asked for where it stands is no secret
            told &= before.targets != before.inputs
        differs = (after.inputs != before.inputs)[:, None] & sees(before, some)  # [P, L, L]
        assert not differs[told].any()
    assert found > 0 or not names_tokens(before, some)


def names_tokens(problem: Problem, some: Rows) -> bool:
    """Whether any target is a token of the text."""
    return bool(torch.isin(problem.targets[asked(problem)], some.tokens).any())


def test_who_judges_what_it_sees_says_why_and_does(objective):
    problem = objective()(rows(), 0)
    if why := objective().leak_exemption:
        assert (problem.targets == problem.inputs)[asked(problem)].any()
        assert len(why.split()) > 5


def test_a_problem_without_questions_is_refused(objective):
    nothing = replace(rows(), word=torch.zeros_like(rows().word), tokens=torch.full_like(rows().tokens, VOCABULARY.pad))
    nothing = replace(nothing, document=torch.full_like(nothing.document, -1))
    with pytest.raises(ValueError, match=r"^\w+ asks nothing of these 12 rows: raise its ratio$"):
        objective()(nothing, 0)


def test_an_exam_asks_the_same_every_time(objective):
    some = rows(count=2, length=16)
    one, other = list(objective().scoring(some)), list(objective().scoring(later(some, 4)))
    assert one
    assert all(same(a, b) for a, b in zip(one, other, strict=True))


def test_masking_leaves_the_rows_alone(objective):
    some = plain(4, 64)
    before = some.tokens.clone(), some.word.clone()
    objective()(some, 0)
    assert torch.equal(some.tokens, before[0])
    assert torch.equal(some.word, before[1])
