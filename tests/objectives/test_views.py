"""The objectives that look one way, against plain loops that say the same."""

from dataclasses import replace
from itertools import product

import pytest
import torch

from maskwright.attention import BACKWARD, BOTH, FORWARD
from maskwright.evaluate.validation.common import exams
from maskwright.masking.select import IGNORE
from maskwright.noise import Noise
from maskwright.objectives.base.problem import Problem, shifted
from maskwright.objectives.causal import Causal
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.meap import Meap
from maskwright.objectives.mirror import Mirror
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.mntp import Mntp
from maskwright.objectives.ranked_span import RankedSpan
from maskwright.settings import from_mapping as made

from ..handmade import VOCABULARY, plain, rows
from .live import live


def moved(problem, document, by):
    """What each position is asked when position i takes the question of i + by, within its document."""
    targets = torch.full_like(problem.targets, IGNORE)
    for b in range(len(problem)):
        for i in range(targets.shape[1]):
            j = i + by
            if 0 <= j < targets.shape[1] and document[b, i] == document[b, j] >= 0:
                targets[b, i] = problem.targets[b, j]
    return targets


def everything(some):
    """The problem that asks every token at its own place."""
    asked = some.document >= 0
    targets = torch.where(asked, some.tokens, IGNORE)
    return Problem(some.tokens, targets, asked.float(), torch.full_like(some.ids, BOTH))


@pytest.mark.parametrize("by", [1, -1, 3, -3, 0])
def test_a_shift_stays_in_its_document(by):
    some = rows()
    whole = everything(some)
    problem = shifted(whole, some.document, by)
    assert torch.equal(problem.targets, moved(whole, some.document, by))
    assert torch.equal(problem.weights, (problem.targets != IGNORE).float())
    assert torch.equal(problem.inputs, some.tokens)
    assert ((some.document[:, 1:] != some.document[:, :-1]) & (some.document[:, 1:] > 0)).any(), "no border to cross"


def test_a_weight_moves_with_its_question():
    some = rows()
    weights = torch.arange(some.tokens.numel()).view_as(some.tokens) + 1.0
    problem = shifted(replace(everything(some), weights=weights), some.document, 1)
    asked = problem.targets != IGNORE
    assert torch.equal(problem.weights[asked], weights.roll(-1, 1)[asked])
    assert not problem.weights[~asked].any()


@pytest.mark.parametrize(("direction", "by", "end"), [("forward", 1, VOCABULARY.sep), ("backward", -1, VOCABULARY.cls)])
def test_causal_names_its_neighbour(direction, by, end):
    some = rows()
    problem = Causal(direction=direction)(some, 0)
    expected = moved(everything(some), some.document, by)
    special = torch.from_numpy(VOCABULARY.is_special)[expected.clamp(min=0)]
    expected[special & (expected != end)] = IGNORE
    assert torch.equal(problem.targets, expected)
    assert (expected == end).any()
    assert torch.equal(problem.inputs, some.tokens)
    assert set(problem.view.tolist()) == {FORWARD if by == 1 else BACKWARD}


@pytest.mark.parametrize("shift", [1, -1, 2])
def test_mntp_hides_as_its_masking_does_and_asks_elsewhere(shift):
    some, masking = rows(), RankedSpan(ratio=0.3)
    problem, hidden = Mntp(masking=masking, shift=shift)(some, 0), masking(some, 0)
    assert torch.equal(problem.inputs, hidden.inputs)
    assert torch.equal(problem.targets, moved(hidden, some.document, shift))
    assert set(problem.view.tolist()) == {BOTH}


def test_mntp_tells_its_masking_where_the_tokens_stand():
    heard = []

    class Listening(Mlm):
        def observe(self, problem, loss, correct):
            heard.append((problem, loss, correct))

    some, masking = rows(), Listening(ratio=0.3)
    problem, hidden = Mntp(masking=masking)(some, 0), masking(some, 0)
    assert Mntp(masking=masking).learns
    asked = problem.targets != IGNORE
    loss = torch.where(asked, torch.arange(asked.numel()).view_as(asked) + 1.0, 0.0)
    Mntp(masking=masking).observe(problem, loss, asked)
    ((told, losses, correct),) = heard
    where = told.targets != IGNORE
    assert torch.equal(told.targets[where], hidden.targets[where])
    assert torch.equal(correct, where)
    assert losses[where].tolist() == loss[asked].tolist()


@pytest.mark.parametrize("shift", [40, -64, 64])
def test_a_shift_beyond_the_row_is_refused(shift):
    with pytest.raises(ValueError, match=rf"^shift={shift} reaches beyond rows of 32$"):
        Mntp(shift=shift)(plain(4, 32), 0)
    Mntp(shift=31)(plain(4, 32), 0)


def test_hybrid_gives_each_row_whole_to_one():
    some = rows(count=40)
    hybrid = Hybrid(masked=Mntp(), causal=Causal(), share=0.25)
    problem = hybrid(some, 3)
    luck = Noise(3, some.epoch, some.ids).uniform("part", 1)[:, 0]
    halves = {True: Causal()(some, 3), False: Mntp()(some, 3)}
    for row, draw in enumerate(luck.tolist()):
        for field in ("inputs", "targets", "weights", "view"):
            assert torch.equal(getattr(problem, field)[row], getattr(halves[draw < 0.25], field)[row])
    assert 0 < (luck < 0.25).sum() < 40


@pytest.mark.parametrize("share", [1 / 16, 0.5])
def test_hybrid_keeps_its_share(share):
    problem = Hybrid(masked=Mlm(), causal=Causal(), share=share)(plain(16_000, 8), 0)
    assert abs((problem.view == FORWARD).float().mean() - share) < 4 * (share * (1 - share) / 16_000) ** 0.5


def test_hybrid_keeps_what_its_parts_have_learned():
    def fresh():
        return live(Hybrid(masked=Mirror(p_bw="adapt"), causal=Mirror(p_bw="adapt")))

    one, other = fresh(), fresh()
    one.masked.load_state_dict({"p_bw": torch.tensor(0.25)})
    one.causal.load_state_dict({"p_bw": torch.tensor(0.5)})
    other.load_state_dict(one.state_dict())
    assert other.log() == {"masked/p_bw": 0.25, "causal/p_bw": 0.5}


@pytest.mark.parametrize("p_bw", [0.0, 0.05, 0.6, 1.0])
@pytest.mark.parametrize("exclusive", [False, True])
def test_mirror_reads_as_many_rows_backward_as_it_says(p_bw, exclusive):
    some = plain(8_000, 8)
    problem = Mirror(p_bw=p_bw, exclusive=exclusive)(some, 0)
    back, front = (problem.source_row[problem.view == way] for way in (BACKWARD, FORWARD))
    assert abs(len(back) / 8_000 - p_bw) <= 4 * (p_bw * (1 - p_bw) / 8_000) ** 0.5
    assert len(front) == 8_000 - len(back) * exclusive
    assert torch.equal(torch.cat([front, back]).unique(), torch.arange(8_000))


def test_mirror_is_causal_both_ways():
    some = rows(count=40)
    problem = Mirror(p_bw=0.5)(some, 0)
    ways = {FORWARD: Causal()(some, 0), BACKWARD: Causal(direction="backward")(some, 0)}
    for place, (row, view) in enumerate(zip(problem.source_row.tolist(), problem.view.tolist(), strict=True)):
        for field in ("inputs", "targets", "weights"):
            assert torch.equal(getattr(problem, field)[place], getattr(ways[view], field)[row])
    assert problem.source_row.tolist() == sorted(problem.source_row.tolist())


def test_mirror_says_the_way_where_it_begins():
    some = rows(count=40)
    without, marked = (Mirror(p_bw=0.5, direction_tokens=tokens)(some, 0) for tokens in (False, True))
    assert torch.equal(marked.targets, without.targets)
    for way, old, new in ((FORWARD, VOCABULARY.cls, 61), (BACKWARD, VOCABULARY.sep, 62)):
        before, after = without.inputs[without.view == way], marked.inputs[marked.view == way]
        assert torch.equal(after, torch.where(before == old, new, before))
        assert (after == new).any()
    (exam,) = Mirror(direction_tokens=True).scoring(some)
    assert (exam.inputs == 61).any()


@pytest.mark.parametrize("tokens", [{"forward": None}, {"backward": None}])
def test_a_tokenizer_without_the_marks_is_refused(tokens):
    some = rows()
    lacking = replace(some, vocabulary=replace(VOCABULARY, **tokens))
    Mirror(p_bw=1.0)(lacking, 0)
    with pytest.raises(
        ValueError, match=r"^the tokenizer has no \[[FB]W\]: add one with tokenizer\.add=\['\[[FB]W\]'\]$"
    ):
        Mirror(p_bw=1.0, direction_tokens=True)(lacking, 0)


@pytest.mark.parametrize("wrong", [-0.1, 1.5, "always"])
def test_a_chance_is_between_never_and_always(wrong):
    with pytest.raises(ValueError, match=rf"^objective\.p_bw='?{wrong}'?: [^\n]+$"):
        made(Mirror, {"p_bw": wrong}, "objective")


@pytest.mark.parametrize(("front", "back", "wanted"), [(2.0, 1.0, 1 / 2.718281828), (1.0, 3.0, 1.0), (9.0, 1.0, 0.01)])
def test_an_adapting_chance_follows_the_perplexities(front, back, wanted):
    mirror = live(Mirror(p_bw="adapt"))
    assert mirror.log() == {"p_bw": 1.0}
    problem = mirror(rows(), 0)
    loss = torch.where(problem.view[:, None] == FORWARD, front, back) * problem.weights
    mirror.observe(problem, loss, torch.zeros_like(problem.weights, dtype=torch.bool))
    assert mirror.p_backward(0.5) == pytest.approx(wanted)
    forward_only = problem[problem.view == FORWARD]
    mirror.observe(forward_only, torch.zeros_like(forward_only.weights), forward_only.weights > 9)
    assert mirror.p_backward(0.5) == pytest.approx(wanted), "nothing was read backward, so nothing was learned"


def test_what_an_adapting_chance_has_learned_decides():
    some, learned, other = plain(4_000, 8), live(Mirror(p_bw="adapt")), live(Mirror(p_bw="adapt"))
    learned.load_state_dict({"p_bw": torch.tensor(0.2)})
    assert len(other(some, 0)) == 8_000
    other.load_state_dict(learned.state_dict())
    assert len(other(some, 0)) == len(learned(some, 0)) == pytest.approx(4_800, abs=100)
    assert Mirror(p_bw=0.2).state_dict() == {}
    assert not Mirror(p_bw=0.2).learns


def test_validation_does_not_follow_an_adapting_chance():
    some, one, other = rows(), live(Mirror(p_bw="adapt")), live(Mirror(p_bw="adapt"))
    one.load_state_dict({"p_bw": torch.tensor(0.01)})
    asked = [mirror.for_validation()(some, 0).targets for mirror in (one, other)]
    assert torch.equal(*asked)
    assert len(asked[0]) == 2 * len(some)
    assert Mirror(p_bw=0.2).for_validation() == Mirror(p_bw=0.2)


def test_meap_asks_for_the_original_of_a_corrupted_text():
    some = rows()
    problem = Meap(masking=Mlm(ratio=0.15, random_prob=0.0, keep_prob=0.0))(some, 0)
    clean = Causal()(some, 0)
    for field in ("targets", "weights", "view"):
        assert torch.equal(getattr(problem, field), getattr(clean, field))
    hidden = problem.inputs != some.tokens
    assert set(problem.inputs[hidden].tolist()) == {VOCABULARY.mask}
    assert float(hidden.sum() / some.maskable.sum()) == pytest.approx(0.15, abs=0.02)
    (exam,) = Meap().scoring(some)
    assert torch.equal(exam.inputs, some.tokens)


def test_meap_of_the_paper_hides_without_luck():
    assert (Meap().masking.random_prob, Meap().masking.keep_prob, Meap().masking.ratio) == (0.0, 0.0, 0.15)


def test_an_exam_asks_for_each_token_at_most_once():
    some = rows(count=3, length=24)
    for objective in (Causal(), Causal(direction="backward"), Mntp(), Meap(), Mirror(), Hybrid()):
        asked = sum((problem.targets != IGNORE).int() for problem in objective.scoring(some))
        assert asked.max() == 1
        assert asked.sum() > 30


def test_a_model_that_knows_signs_sees_them_in_the_common_exams():
    some, signs = rows(), (("forward", FORWARD, "cls", "forward"), ("backward", BACKWARD, "sep", "backward"))
    for mirror, (name, view, role, sign) in product(
        (Mirror(direction_tokens=True), Hybrid(causal=Mirror(direction_tokens=True))), signs
    ):
        plain, dressed = exams(Mirror())[name](some, 0), exams(mirror)[name](some, 0)
        here = plain.inputs == getattr(VOCABULARY, role)
        assert (dressed.view == view).all()
        assert torch.equal(dressed.inputs, torch.where(here, VOCABULARY.id(sign), plain.inputs))
        assert torch.equal(dressed.targets, plain.targets)
