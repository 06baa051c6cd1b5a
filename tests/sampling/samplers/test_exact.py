"""Which samplers draw from the distribution of their model, by chi-square against a law that is known.

With 7 degrees of freedom a draw from the law exceeds 30 once in ten thousand times.
"""

from itertools import product
from types import SimpleNamespace

import pytest
import torch

from maskwright.objectives.diffusion.mixed import Line
from maskwright.sampling.denoiser import Denoiser
from maskwright.sampling.generate import generate
from maskwright.sampling.mask_schedule import MaskSchedule
from maskwright.sampling.passes import ForwardPasses
from maskwright.sampling.samplers.denoise import Denoise
from maskwright.sampling.samplers.dream import Dream
from maskwright.sampling.samplers.edit import Edit
from maskwright.sampling.samplers.fast_dllm import FastDllm
from maskwright.sampling.samplers.learned import Learned
from maskwright.sampling.samplers.llada import Llada
from maskwright.sampling.samplers.maskgit import Maskgit
from maskwright.sampling.samplers.mdlm import Mdlm
from maskwright.sampling.samplers.p2 import P2
from maskwright.sampling.samplers.prism import Prism
from maskwright.sampling.samplers.remdm import Remdm
from maskwright.sampling.samplers.remedi import Remedi
from maskwright.sampling.samplers.renoise import Renoise
from maskwright.sampling.samplers.token_critic import TokenCritic
from maskwright.settings import registry

from ..toy import LAW, LENGTH, REMASKER, TEXTS, VOCABULARY, WORDS, Toy, canvas, chi2, texts

COUNT, LIMIT = 20000, 30
EVERY = {name: registry.load("sampling.samplers", name)[0] for name in registry.names("sampling.samplers")}


@pytest.mark.parametrize(
    "sampler", [Llada(order="random"), Dream(order="entropy"), Dream(order="margin")], ids=lambda s: repr(s)
)
def test_an_order_that_does_not_look_at_the_draw_is_exact_step_by_step(sampler):
    assert sampler.exact == "with a step for each token"
    assert chi2(texts(sampler, COUNT, LENGTH)) < LIMIT
    assert chi2(texts(sampler, COUNT, 1)) > 300  # all at once: as if the places knew nothing of each other


def test_guidance_sharpens_what_the_prompt_says():
    """p(text | prompt)^(1 + w) / p(text)^w, a token at a time: by the law itself at the only free place."""
    w, prompt = 1.5, torch.tensor([False, True, False, True, False])
    start = canvas(COUNT, (4, 3, 5))
    options = {"denoiser": {"guidance": w, "prompt": prompt}, "start": start}
    said = (texts(Llada(), COUNT, 1, **options)[:, 1] == 5).double().mean()
    law = LAW.reshape(2, 2, 2)
    given, free = (both / both.sum() for both in (law[0, :, 1], law.sum((0, 2))))
    guided = given ** (1 + w) / free**w
    assert float(said) == pytest.approx(float(guided[1] / guided.sum()), abs=0.01)
    assert abs(float(guided[1] / guided.sum() - given[1])) > 0.03
    with ForwardPasses(SimpleNamespace(model=(toy := Toy()), remasker=None)) as counted:
        texts(Llada(), 10, 1, toy, denoiser=options["denoiser"], start=canvas(10, (4, 3, 5)))
    assert counted.rows == 20


@pytest.mark.parametrize("block", [1, 2])
def test_so_is_any_block_by_block(block):
    assert chi2(texts(Llada(order="random"), COUNT, LENGTH * 2 if block == 2 else LENGTH, block_length=block)) < LIMIT


@pytest.mark.parametrize(
    "sampler",
    [
        Mdlm(),
        Remdm(eta=0.02),
        Remdm(strategy="rescale", eta=0.2),
        Remdm(strategy="forward_backward"),
        Remdm(strategy="loop"),
        Denoise(),
    ],
    ids=lambda s: repr(s)[:40],
)
def test_ancestral_samplers_are_exact_as_the_steps_grow(sampler):
    assert sampler.exact.startswith("as the steps grow")
    assert chi2(texts(sampler, 3000, 250)) < LIMIT


class Noisy(Toy):
    """Names the token of a place by what stands at the others, of which any may be random, at the noise of a step."""

    def forward(self, tokens, mask=None, positions=None, asked=None):
        seen = tokens[:, None, 1:-1]  # [B, 1, 3]
        other = self.noise * self.line.at(self.noise) / 2
        fits = torch.where(seen == VOCABULARY.mask, 1.0, other + (1 - self.noise) * (seen == TEXTS)).double()
        scores = torch.full((*tokens.shape, VOCABULARY.size), -40.0)
        for place, word in product(range(3), WORDS):
            rest = fits[:, :, [i for i in range(3) if i != place]].prod(2) * LAW
            scores[:, 1 + place, word] = (rest * (TEXTS[:, place] == word)).sum(1).log().float()
        return scores.flatten(0, 1)[asked]


@pytest.mark.parametrize("line", [Line(low=0.8, high=0.0), Line(low=1.0, high=1.0)], ids=str)
def test_tokens_are_drawn_from_mixed_noise_by_the_law(line):
    model = Noisy()
    model.line = line

    class Told(Denoise):
        def write(self, step):
            model.noise = max(step.before, step.after)
            return super().write(step)

    options = {"denoiser": {"line": line}, "shares": MaskSchedule(steps=80, start=1.0)}
    assert chi2(texts(Told(), 3000, 80, model, **options)) < LIMIT
    assert chi2(texts(Told(), COUNT, 1, model, denoiser=options["denoiser"])) > 300
    begin = canvas(3000, (4, 4, 4), (False, True, True, True, False))  # a text is revised: noised first, then drawn
    assert chi2(texts(Told(), 3000, 80, model, start=begin, **options)) < LIMIT


@pytest.mark.parametrize(
    "sampler",
    [
        *(
            FastDllm(threshold=0.5),
            Llada(),
            Dream(order="confidence"),
            Maskgit(noise=0.5),
            P2(),
            P2(planner="remasker"),
            Prism(remask_ratio=0.5),
        ),
        *(
            Edit(threshold=0.6),
            Renoise(),
            TokenCritic(),
            Remedi(),
            Learned(),
            Learned(mode="mixed"),
            Learned(mode="threshold"),
        ),
    ],
    ids=lambda s: repr(s)[:30],
)
def test_the_others_are_not(sampler):
    assert not sampler.exact
    assert chi2(texts(sampler, COUNT, LENGTH)) > 60


def test_a_temperature_is_another_law_and_cuts_leave_things_out():
    cold = texts(Llada(order="random"), 300, LENGTH, denoiser={"temperature": 0.0})
    assert len(cold.unique(dim=0)) < 4
    assert chi2(texts(Llada(order="random"), 4000, LENGTH, denoiser={"temperature": 3.0})) > LIMIT
    for cut in ({"top_k": 1}, {"top_p": 0.5}):
        assert torch.equal(texts(Llada(order="random"), 300, LENGTH, denoiser=cut), cold)


@pytest.mark.parametrize("kind", EVERY.values(), ids=EVERY)
def test_a_prompt_stays_and_no_special_token_is_written(kind):
    frames = list(
        generate(Denoiser(Toy(), VOCABULARY), kind(), canvas(200, (3, 5, 3)), MaskSchedule(steps=4), 0, REMASKER)
    )
    assert all((frame.tokens[:, 2] == 5).all() for frame in frames)
    assert torch.isin(frames[-1].tokens[:, 1:-1], torch.tensor([4, 5])).all()
