"""Detectors: what is corrupted, with what, what is asked, and what a score says of a token."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.files.errors import note
from maskwright.masking.select import IGNORE
from maskwright.noise import Noise
from maskwright.objectives.base.contract import check, with_options
from maskwright.objectives.base.detector import COPIED, Mixture, detector
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.remask import DEGENERATE, Remask
from maskwright.objectives.remask_binary import RemaskBinary
from maskwright.settings import from_mapping

from ..handmade import VOCABULARY, plain, rows
from .live import live

WRONG, RIGHT = VOCABULARY.wrong, VOCABULARY.right
FRAGMENT, SYNTHETIC = {"fragment": 1.0}, {"synthetic": 1.0}


def wrong(problem, some):
    return problem.inputs != some.tokens


def test_wrong_tokens_are_named_so_and_right_ones_by_themselves():
    some = rows(40)
    problem = Remask()(some, 0)
    bad = wrong(problem, some)
    assert bad.any()
    assert torch.equal(problem.targets, torch.where(some.maskable, some.tokens.where(~bad, WRONG), IGNORE))
    assert not torch.isin(problem.inputs[bad], torch.tensor(list(VOCABULARY.special))).any()


def test_to_fix_is_to_name_the_original():
    some = rows(40)
    problem = Remask(target="original")(some, 0)
    assert torch.equal(problem.targets, some.tokens.where(some.maskable, IGNORE))
    only = Remask(target="original", loss="corrupted_only")(some, 0)
    assert torch.equal(only.inputs, problem.inputs)
    assert torch.equal(only.targets, some.tokens.where(wrong(only, some), IGNORE))


def test_a_degenerate_question_is_warned_of_in_one_sentence(caplog):
    note.cache_clear()
    degenerate = Remask(loss="corrupted_only")
    assert caplog.messages == [DEGENERATE]
    some = rows(40)
    problem = degenerate(some, 0)
    assert set(problem.targets.unique().tolist()) == {IGNORE, WRONG}


def test_two_classes_weigh_the_same():
    some = rows(40)
    problem = RemaskBinary(ratio_per_row="fixed")(some, 0)
    bad = wrong(problem, some)
    assert torch.equal(problem.targets, torch.where(some.maskable, torch.where(bad, WRONG, RIGHT), IGNORE))
    both = bad.any(1)
    assert torch.allclose((problem.weights * bad).sum(1)[both], (problem.weights * ~bad).sum(1)[both], rtol=1e-5)
    assert torch.allclose(problem.weights.sum(1)[both], some.maskable.sum(1).float()[both], rtol=1e-5)
    assert set(RemaskBinary(balanced=False)(some, 0).weights.unique().tolist()) == {0.0, 1.0}


def test_the_share_is_what_was_asked_less_what_chance_puts_back():
    some = plain(2000, 50)
    kept = 1 - 1 / len(VOCABULARY.ordinary)
    share = wrong(Remask(ratio_per_row="fixed", ratio=0.3)(some, 0), some).float().mean(1)
    assert float(share.mean()) == pytest.approx(0.3 * kept, abs=0.002)
    varied = wrong(Remask(ratio=0.3)(some, 0), some).float().mean(1)
    assert float(varied.mean()) == pytest.approx(0.15 * kept, abs=0.002)
    assert float(varied.max()) < 0.31
    assert float(varied.std()) > 0.07


def test_every_position_has_its_own_draw():
    some = plain(300, 50)
    problem = Remask(ratio=0.99, ratio_per_row="fixed")(some, 0)
    assert all(len(row.unique()) > 25 for row in problem.inputs)
    assert len(problem.inputs[:, 7].unique()) > 50


def test_a_fragment_is_what_another_row_has_there():
    some = rows(40)
    problem = Remask(corruption=FRAGMENT, ratio=0.5, ratio_per_row="fixed")(some, 0)
    bad = wrong(problem, some)
    source = torch.empty(len(some.source), some.tokens.shape[1], dtype=torch.int64)
    kinds = (torch.empty(source.shape, dtype=torch.int32) for _ in range(2))
    some.source.gather(torch.arange(len(source)).numpy(), source.numpy(), *(kind.numpy() for kind in kinds))
    for row, places, bads in zip(problem.inputs, bad, bad.sum(1), strict=True):
        agreeing = (source[:, places] == row[places]).sum(1).max()
        assert agreeing >= 0.3 * bads  # the rest stand where the other row has no text
    assert (source[:, bad[0]] == problem.inputs[0, bad[0]]).sum(1).max() > 0.7 * bad[0].sum()
    with pytest.raises(ValueError, match="corruption fragment takes tokens from other rows, and there are none here"):
        Remask(corruption=FRAGMENT)(plain(4, 20), 0)


def test_synthetic_errors_are_the_generators():
    seen = []

    def opened(source):
        assert source == "there"

        def guess(inputs, document, asked):
            seen.append((inputs == VOCABULARY.mask).sum() == len(asked))
            scores = torch.full((len(asked), VOCABULARY.size), -9.0)
            scores[:, [4, 17, 23]] = torch.tensor([50.0, 9.0, 9.0])  # 4 is the mask: it can never be drawn
            return scores

        return guess

    objective, some = Remask(corruption=SYNTHETIC, generator_run="there", ratio=0.5), rows(30)
    with pytest.raises(ValueError, match="objective remask has state: build it on a text first"):
        objective(some, 0)
    with pytest.raises(ValueError, match="generator_run=there: pass open_run to build"):
        live(objective)
    problem = live(Hybrid(masked="diffusion", causal=objective), open_run=opened).causal(some, 0)
    assert all(seen)
    assert set(problem.inputs[wrong(problem, some)].tolist()) == {17, 23}


def test_a_mixture_gives_each_row_one_kind():
    some = rows(40)
    parts = [Remask(corruption=kind, ratio_per_row="fixed")(some, 0).inputs for kind in ({"random": 1.0}, FRAGMENT)]
    mixed = Remask(corruption={"random": 1, "fragment": 3}, ratio_per_row="fixed")(some, 0).inputs
    alike = torch.stack([(mixed == part).all(1) for part in parts])
    assert alike.any(0).all()
    assert alike[1].sum() > alike[0].sum() > 0


def named(some):
    """The rows with a tokenizer that has labels by kind, at 117 and 118."""
    labels = {"wrong_random": 117, "wrong_fragment": 118}
    return replace(some, vocabulary=replace(VOCABULARY, special=VOCABULARY.special | {117, 118}, **labels))


@pytest.mark.parametrize("kind", [Remask, RemaskBinary])
def test_wrong_tokens_are_named_by_what_replaced_them(kind):
    some, mixture = named(rows(40)), {"random": 1, "fragment": 1}
    problem = kind(corruption=mixture, wrong_labels="by_kind", ratio_per_row="fixed")(some, 0)
    plain_labels = kind(corruption=mixture, ratio_per_row="fixed")(some, 0)
    random = kind(corruption={"random": 1}, ratio_per_row="fixed")(some, 0)
    bad = wrong(problem, some)
    mine = ((random.inputs == problem.inputs) | ~bad).all(1, keepdim=True)  # the rows with random tokens
    assert 0 < mine.sum() < len(mine)
    assert torch.equal(problem.inputs, plain_labels.inputs)
    assert torch.equal(problem.targets, plain_labels.targets.where(~bad, torch.where(mine, 117, 118)))
    with pytest.raises(ValueError, match=r"the tokenizer has no \[WRONG_RANDOM\]: add one with tokenizer.add="):
        kind(wrong_labels="by_kind")(rows(4), 0)


def test_a_token_is_wrong_by_any_label():
    scores, seen = torch.randn(5, VOCABULARY.size, generator=torch.Generator().manual_seed(0)), torch.arange(10, 15)
    chance, labels = scores.softmax(1), torch.tensor([WRONG, 117, 118])
    vocabulary = named(rows(4)).vocabulary
    assert torch.allclose(Remask().p_corrupted(scores, seen, vocabulary), chance[:, labels].sum(1))
    both = chance[:, labels].sum(1) / (chance[:, labels].sum(1) + chance[:, RIGHT])
    assert torch.allclose(RemaskBinary().p_corrupted(scores, seen, vocabulary), both)


def test_wrong_itself_stands_where_it_was_asked_for(caplog):
    some, marked = rows(40), {"corruption": {"wrong": 1}, "ratio_per_row": "fixed"}
    objective = Remask(target="original", loss="corrupted_only", **marked)
    problem, chosen = objective(some, 0), objective.chosen(some, Noise(0, some.epoch, some.ids))
    assert torch.equal(problem.inputs, some.tokens.where(~chosen, WRONG))
    assert torch.equal(problem.targets, some.tokens.where(chosen, IGNORE))
    for copied in (Remask, RemaskBinary):
        note.cache_clear()
        caplog.clear()
        copied(**marked)
        assert caplog.messages == [COPIED]


@settings(max_examples=20, deadline=None)
@given(length=st.integers(2, 12), density=st.floats(0.1, 1), ratio=st.floats(0.05, 0.9), seed=st.integers(0, 99))
def test_spans_are_chosen_first_and_the_budget_is_exact(length, density, ratio, seed):
    some, noise = plain(4, 60), Noise(seed, torch.zeros(4, dtype=torch.int64), torch.arange(4))
    anywhere = Remask(ratio=ratio, ratio_per_row="fixed").chosen(some, noise)
    spans = {"span_length": length, "span_density": density}
    chosen = Remask(ratio=ratio, ratio_per_row="fixed", **spans).chosen(some, noise)
    assert torch.equal(chosen.sum(1), anywhere.sum(1))


def test_wrong_tokens_come_in_spans_as_long_and_as_dense_as_asked():
    some = plain(400, 60)
    found = {}
    for name, spans in {
        "tokens": {},
        "spans": {"span_length": 8},
        "thin": {"span_length": 8, "span_density": 0.5},
    }.items():
        chosen = Remask(ratio=0.2, ratio_per_row="fixed", **spans).chosen(some, Noise(0, some.epoch, some.ids))
        begins = (chosen & ~torch.nn.functional.pad(chosen, (1, -1))).sum()
        found[name] = float(chosen.sum() / begins)  # tokens in a run
    assert found["tokens"] == pytest.approx(1.25, abs=0.05)  # 1 / (1 - ratio)
    assert found["spans"] > 4
    assert 1.5 < found["thin"] < 3


def test_spans_and_labels_by_kind_keep_the_contract():
    mixture = {"random": 1, "fragment": 1}
    some = Remask(span_length=6, span_density=0.5, wrong_labels="by_kind", corruption=mixture, ratio=0.6)
    found = check(lambda **options: with_options(some, options), named(rows()))
    assert not [finding for finding in found if finding.counterexample]


def test_what_a_score_says_of_a_token():
    scores, seen = torch.randn(5, VOCABULARY.size, generator=torch.Generator().manual_seed(0)), torch.arange(10, 15)
    chance = scores.softmax(1)
    assert torch.allclose(Remask().p_corrupted(scores, seen, VOCABULARY), chance[:, WRONG])
    fixing = Remask(target="original").p_corrupted(scores, seen, VOCABULARY)
    assert torch.allclose(fixing, 1 - chance[torch.arange(5), seen])
    two = chance[:, WRONG] / (chance[:, WRONG] + chance[:, RIGHT])
    assert torch.allclose(RemaskBinary().p_corrupted(scores, seen, VOCABULARY), two)


def test_a_text_is_scored_as_it_stands():
    some = rows(5)
    (problem,) = RemaskBinary().scoring(some)
    assert torch.equal(problem.inputs, some.tokens)
    assert set(problem.targets.unique().tolist()) == {RIGHT, IGNORE}


def test_a_detector_is_found_in_a_mixture():
    both = Hybrid(masked="diffusion", causal="remask_binary", share=0.5)
    assert detector(both) == RemaskBinary()
    assert detector(Diffusion()) is None
    assert both.capabilities == {"detect", "unmask"}


def test_a_mixture_of_both_tells_each_of_its_own_rows():
    both = live(Hybrid(masked={"name": "diffusion", "frequency": 0.02}, causal="remask", share=0.5))
    some = plain(200, 30)
    problem = both(some, 0)
    both.observe(problem, problem.weights, problem.weights > 0)
    mine = problem.source_objective == 0
    assert 0.4 < float(mine.float().mean()) < 0.6
    seen = some.tokens[problem.source_row[mine]]
    assert torch.equal(both.masked.state_dict()["counts"], torch.bincount(seen.flatten(), minlength=VOCABULARY.size))
    assert torch.equal((problem.inputs == VOCABULARY.mask).any(1), mine)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ratio": 1.5}, r"objective.ratio=1\.5"),
        ({"corruption": {"random": 0}}, "give at least one kind of corruption a weight"),
        ({"corruption": {"swap": 1}}, "objective.corruption"),
        ({"corruption": {"synthetic": 1}}, "corruption synthetic needs generator_run=DIR"),
        ({"corruption": SYNTHETIC, "generator_run": "a", "temperature": 0}, "objective.temperature=0"),
        ({"loss": "some"}, "objective.loss='some'"),
        ({"span_density": 0.5}, "span_density=0.5 of spans of one token: give a span_length above 1"),
        ({"target": "original", "wrong_labels": "by_kind"}, "wrong_labels=by_kind with target=original"),
    ],
)
def test_a_writer_that_does_not_fit_is_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_mapping(Remask, options, "objective")


@pytest.mark.parametrize("kind", [Remask, RemaskBinary])
def test_masks_stay_among_replaced_tokens_and_are_not_judged(kind):
    some = plain(800, 50)
    objective = kind(ratio=0.5, masked_ratio=0.8)
    problem, bare = objective(some, 0), kind(ratio=0.5)(some, 0)
    hidden = problem.inputs == VOCABULARY.mask
    assert torch.equal(problem.inputs.where(~hidden, 0), bare.inputs.where(~hidden, 0))  # the same are replaced
    assert not (hidden & wrong(bare, some)).any()
    assert torch.equal(problem.targets == IGNORE, hidden)
    share = hidden.sum(1) / (50 - objective.chosen(some, Noise(0, some.epoch, some.ids)).sum(1))
    assert float(share.mean()) == pytest.approx(0.4, abs=0.02)
    assert float(share.max()) < 0.85
    assert objective.reads_masks
    assert not kind().reads_masks
    assert not [one for one in check(lambda **options: with_options(objective, options), rows()) if one.counterexample]


def test_only_what_was_just_written_is_judged_and_its_writer_sees_the_masks():
    asked, some = [], plain(300, 50)

    def writer(inputs, document, target_positions):
        asked.append((inputs, target_positions))
        scores = torch.full((len(target_positions), VOCABULARY.size), -9.0)
        scores[:, 40] = 9.0
        return scores

    objective = RemaskBinary(
        corruption=Mixture(synthetic=1.0), generator_run=writer,
        masked_ratio=1.0, judged="replaced", balanced=False,
    )  # fmt: skip
    problem = objective(some, 0)
    ((seen, positions),) = asked
    written = objective.chosen(some, Noise(0, some.epoch, some.ids))
    assert torch.equal(problem.targets != IGNORE, written)
    assert torch.equal(torch.nonzero(written.flatten())[:, 0], positions)
    assert torch.equal(seen, problem.inputs.where(~written, VOCABULARY.mask))
    assert (seen == VOCABULARY.mask).sum() > written.sum()
    assert (problem.inputs[written] == 40).all()
    assert torch.equal(problem.targets[written] == RIGHT, some.tokens[written] == 40)
