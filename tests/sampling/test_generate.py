"""The loop: one seed one text, no work for nothing, states that tell the truth, schedules that are kept."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.noise import Noise, inverse_cdf, token_probs
from maskwright.objectives.remask import Remask
from maskwright.sampling.denoiser import Denoiser, Remasker
from maskwright.sampling.generate import GIVEN, MASKED, NEW, REMASKED, SETTLED, generate
from maskwright.sampling.mask_schedule import SHAPES, MaskSchedule
from maskwright.sampling.passes import ForwardPasses
from maskwright.sampling.request import build_sampler
from maskwright.sampling.samplers.fast_dllm import FastDllm
from maskwright.sampling.samplers.learned import Learned
from maskwright.sampling.samplers.llada import Llada
from maskwright.sampling.samplers.mdlm import Mdlm
from maskwright.sampling.samplers.prism import Prism
from maskwright.sampling.samplers.remdm import Remdm
from maskwright.sampling.samplers.renoise import Renoise
from maskwright.sampling.step import Step
from maskwright.settings.registry import names
from maskwright.settings.schedule import Ramp, Steps

from .toy import REMASKER, VOCABULARY, Toy, canvas, texts

MASK = VOCABULARY.mask


def frames(sampler, begin, steps=6, seed=0, block_length=None, model=None, **options):
    denoiser = Denoiser(model or Toy(), VOCABULARY)
    return list(generate(denoiser, sampler, begin, MaskSchedule(steps=steps, **options), seed, REMASKER, block_length))


@pytest.mark.parametrize("sampler", [Mdlm(), Llada(), Remdm(eta=0.3), Learned(randomness=0.5)], ids=repr)
def test_a_seed_gives_one_text_alone_or_among_others(sampler):
    many = texts(sampler, 50, 5, seed=3)
    assert torch.equal(texts(sampler, 20, 5, seed=3), many[:20])
    assert not torch.equal(texts(sampler, 50, 5, seed=4), many)


def test_the_head_runs_once_for_each_token_where_chance_decides():
    model = Toy()
    texts(Mdlm(), 100, 40, model)
    assert model.asked == 300
    assert model.rows <= 300  # a row in which nothing is revealed does not go through the model


@pytest.mark.parametrize("name", names("sampling.samplers"))
def test_a_sampler_keeps_to_its_forward_passes(name):
    sampler = build_sampler(name)
    for passes in (1, 2, 3, 4, 5, 9):
        begin, steps = canvas(40), sampler.steps_within(passes)
        with ForwardPasses(SimpleNamespace(model=(toy := Toy()), remasker=REMASKER)) as counted:
            frames(sampler, begin, steps=steps, model=toy)
        assert 0 < counted.rows <= 40 * passes
        if name in ("llada", "learned", "remedi") and passes % 2 and passes <= (3 if name == "llada" else 5):
            assert counted.rows == 40 * passes  # there is a token for each step, so that none is spared
    assert Learned().steps_within(9) == 5
    assert Llada().steps_within(9) == 9
    assert [Learned().steps_within(passes, guided=True) for passes in (1, 2, 5, 8, 9)] == [1, 1, 2, 3, 3]
    assert Llada().steps_within(9, guided=True) == 4


def test_finished_rows_leave():
    model = Toy()
    unmasked = frames(Llada(), canvas(10), steps=50, model=model)
    assert model.rows == 30
    assert len(unmasked) == 4


def test_states_tell_what_happened():
    before, *rest = frames(Remdm(strategy="rescale", eta=0.5), canvas(300, (3, 5, 3)))
    assert set(before.state.unique().tolist()) == {GIVEN, MASKED}
    for frame in rest:
        hidden, was = frame.tokens == MASK, before.tokens == MASK
        assert torch.equal(frame.state == NEW, was & ~hidden)
        assert torch.equal(frame.state == REMASKED, ~was & hidden)
        assert torch.equal(frame.state == MASKED, was & hidden)
        assert ((frame.state == GIVEN) == torch.tensor([True, False, True, False, True])).all()
        before = frame
    assert set(rest[-1].state.unique().tolist()) <= {GIVEN, NEW, SETTLED}
    assert any((frame.state == REMASKED).any() for frame in rest)


@pytest.mark.parametrize("shape", SHAPES)
def test_schedules_fall_from_start_to_nothing(shape):
    after = MaskSchedule(steps=9, shape=shape, start=0.9, end=0.1).after
    assert len(after) == 9
    assert after == sorted(after, reverse=True)
    assert after[0] < 0.9
    assert 0.1 < after[-2] < after[0]
    assert after[-1] == 0


def test_so_many_are_masked_as_the_schedule_says():
    unmasked = frames(Renoise(), canvas(40), custom=(0.9, 0.7, 0.4, 0.1))
    assert [set((frame.tokens == MASK).sum(1).tolist()) for frame in unmasked] == [{3}, {2}, {2}, {1}, {0}]
    unmasked = frames(Llada(), canvas(40), steps=2)
    assert [int((frame.tokens[0] == MASK).sum()) for frame in unmasked] == [3, 1, 0]


def test_blocks_are_written_one_after_the_other():
    for frame in frames(Llada(), canvas(60), steps=6, block_length=1):
        hidden = frame.tokens[:, 1:-1] == MASK
        assert (hidden == hidden.sort(1).values).all()


def test_what_is_wrong_is_mended_until_nothing_is():
    start = canvas(200, (5, 4, 5), [False, True, True, True, False])
    unmasked = frames(Learned(mode="threshold"), start, steps=200)
    assert (unmasked[-1].tokens[:, 1:-1] == 4).all()
    assert len(unmasked) < 150
    assert (unmasked[0].state[:, 1:-1] == SETTLED).all()
    assert torch.equal(unmasked[1].tokens[0, 1:-1], torch.tensor([MASK, 4, MASK]))


def test_polishing_keeps_to_its_share():
    start = canvas(200, (5, 4, 5), [False, True, True, True, False])
    unmasked = frames(Renoise(), start, start=0.5, steps=4)
    assert all(((frame.tokens == MASK).sum(1) <= 1).all() for frame in unmasked)
    assert not torch.equal(unmasked[-1].tokens, start.tokens)


def test_mixed_masks_the_doubtful_first_and_the_rest_at_random():
    start = canvas(4000, (5, 4, 4), [False, True, True, True, False])
    sampler = Learned(mode="mixed", min_random_ratio=0.5)
    first = frames(sampler, start, custom=(0.67,))[1].tokens[:, 1:-1] == MASK
    assert (first.sum(1) == 2).all()
    assert first[:, 0].all()
    assert float(first[:, 1].float().mean()) == pytest.approx(0.5, abs=0.03)


def step_of(p_wrong, active, after, epoch=0):
    """A step of texts [B, L] for which the remasker has said `p_wrong`."""
    rows = torch.arange(len(p_wrong))
    step = Step(
        0, 5, torch.full(p_wrong.shape, 4), active, 1.0, after, torch.ones_like(p_wrong),
        Noise(0, torch.full_like(rows, epoch), rows), Denoiser(Toy(), VOCABULARY), REMASKER,
    )  # fmt: skip
    step.__dict__["p_wrong"] = p_wrong.where(active, 0)
    return step


@given(st.integers(1, 20), st.floats(0.05, 1), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_spans_are_decided_before_tokens(length, density, after, seed):
    draw = torch.Generator().manual_seed(seed)
    step = step_of(torch.rand(4, 40, generator=draw), torch.rand(4, 40, generator=draw) < 0.9, after, seed)
    chosen = Learned(mode="spans", span_length=length, span_density=density).hide(step)
    assert torch.equal(chosen.sum(1), step.budget)
    assert not (chosen & ~step.active).any()
    ranked = Learned().hide(step)
    assert torch.equal(Learned(mode="spans", span_length=1, span_density=density).hide(step), ranked)
    assert torch.equal(Learned(mode="spans", span_length=length, span_density=0.001).hide(step), ranked)


def test_whole_spans_are_masked_where_most_is_wrong():
    p_wrong = torch.full((1, 24), 0.1)
    p_wrong[0, 3], p_wrong[0, 12:16] = 0.9, 0.5  # a single token, and a span with a higher mean
    found = set()
    for epoch in range(20):
        step = step_of(p_wrong, torch.ones(1, 24, dtype=torch.bool), 4 / 24, epoch)
        found.add(tuple(Learned(mode="spans", span_length=4, span_density=1.0).hide(step)[0].nonzero()[:, 0].tolist()))
    assert (12, 13, 14, 15) in found
    assert len(found) == 4  # the spans begin at any of four places


def test_as_many_are_revealed_as_are_certain():
    """Whatever the threshold, one at least; and as many as the schedule needs to end."""
    begin = canvas(200)
    first = frames(FastDllm(threshold=0.5), begin, steps=9)[1]
    said = Denoiser(Toy(), VOCABULARY).sample_tokens(
        begin.tokens,
        begin.free,
        torch.from_numpy((Noise(0, torch.zeros(200).long(), torch.arange(200)).bits("token", 5) >> 11) * 2.0**-53),
    )
    sure = (said.confidence >= 0.5).sum(1)
    assert torch.equal((first.tokens[:, 1:-1] != MASK).sum(1), sure.clamp(min=1))
    assert 0 < (sure == 0).sum() < 200
    assert len(frames(FastDllm(threshold=0.0), begin, steps=9)) == 2
    assert [int((frame.tokens[0] == MASK).sum()) for frame in frames(FastDllm(threshold=1.0), begin, steps=9)] == [
        3,
        2,
        1,
        0,
    ]
    assert len(frames(FastDllm(threshold=1.0), begin, steps=2)) == 3


def test_a_temperature_may_change_over_the_steps():
    begin, order = canvas(300), Llada(order="random")

    def written(temperature):
        denoiser = Denoiser(Toy(), VOCABULARY, temperature=temperature)
        return [frame.tokens for frame in generate(denoiser, order, begin, MaskSchedule(steps=3))]

    hot, cold = written(2.0), written(0.0)
    falling = written(Ramp(start=2.0, end=0.0))
    assert torch.equal(falling[1], hot[1])
    assert not torch.equal(falling[1], cold[1])
    last = falling[2] == MASK  # the place that the last step fills, with the best token
    best = Denoiser(Toy(), VOCABULARY, temperature=0.0).sample_tokens(falling[2], last, torch.zeros(300, 5)).tokens
    assert torch.equal(falling[3], best)
    assert not torch.equal(hot[3], falling[3])
    assert torch.equal(written(Ramp(start=2.0, end=2.0))[3], hot[3])
    stepped = written(Steps(steps=((0, 2.0), (0.9, 0.0))))
    assert torch.equal(stepped[2], hot[2])
    assert not torch.equal(stepped[3], hot[3])


def test_prism_masks_the_worst_again():
    start = canvas(50, (4, 5, 4), [False, True, True, True, False])
    first = frames(Prism(remask_ratio=0.4), start, custom=(0.5,))[1].tokens[:, 1:-1] == MASK
    assert torch.equal(first, torch.tensor([False, True, False]).repeat(50, 1))


def test_the_unsure_are_masked_by_remdm_confidence():
    unmasked = frames(Remdm(strategy="confidence"), canvas(2000), steps=30)
    assert any((frame.state == REMASKED).any() for frame in unmasked)
    assert not (unmasked[-1].tokens == MASK).any()


def test_what_a_sampler_cannot_do_is_said():
    denoiser = Denoiser(Toy(), VOCABULARY)
    with pytest.raises(
        ValueError, match="sampler learned needs a model that detects wrong tokens: give --remasker DIR"
    ):
        next(generate(denoiser, Learned(), canvas(1), MaskSchedule()))
    whole = canvas(1, (5, 4, 5), [False, True, True, True, False])
    with pytest.raises(ValueError, match="sampler mdlm never masks a token again, so it cannot revise a text"):
        next(generate(denoiser, Mdlm(), whole, MaskSchedule()))
    with pytest.raises(ValueError, match=r"temperature=-1, top_k=0, top_p=1: temperature and top_k are at least 0"):
        Denoiser(Toy(), VOCABULARY, temperature=-1.0)


def test_draws_follow_the_probabilities():
    scores = torch.tensor([0.5, 0.0, 0.2, 0.3]).log().repeat(1000, 1)
    u = (torch.arange(1000) + 0.5) / 1000
    counts = torch.bincount(inverse_cdf(token_probs(scores), u), minlength=4)
    assert counts.tolist() == [500, 0, 200, 300]
    assert set(inverse_cdf(token_probs(scores[:2]), torch.tensor([0.0, 1 - 1e-16], dtype=torch.float64)).tolist()) == {
        0,
        3,
    }


def test_cuts_keep_the_one_that_crosses():
    scores = torch.tensor([[0.5, 0.0, 0.2, 0.3]]).log()
    assert torch.allclose(token_probs(scores, top_p=0.6), torch.tensor([[5, 0, 0, 3]]).double() / 8)
    assert torch.allclose(token_probs(scores, top_k=2), torch.tensor([[5, 0, 0, 3]]).double() / 8)
    assert torch.equal(token_probs(scores, temperature=0.0), torch.tensor([[1.0, 0, 0, 0]]).double())
    cold = torch.tensor([[25, 0, 4, 9]]).double() / 38
    assert torch.allclose(token_probs(scores, temperature=0.5), cold)


def test_a_remasker_of_texts_with_masks_is_shown_them():
    class Watched(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.shown = torch.nn.Parameter(torch.zeros(1)), []

        def forward(self, tokens, mask=None, positions=None, asked=None):
            self.shown.append((tokens, asked))
            return REMASKER.model(tokens, mask, positions, asked)

        def logits(self, hidden):
            return hidden

    for ratio in (0.0, 0.5):
        watched, asked = Watched(), Toy()
        remasker = Remasker(watched, Remask(masked_ratio=ratio), VOCABULARY)
        list(generate(Denoiser(asked, VOCABULARY), Prism(), canvas(40), MaskSchedule(steps=3), 0, remasker))
        (tokens, places) = watched.shown[-1]
        assert (tokens == MASK).any() == (ratio > 0)
        assert (tokens.flatten()[places] != MASK).all()
