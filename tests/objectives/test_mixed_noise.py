"""Mixed noise: the bound holds and is tight for the true posterior, noise follows its law, and it is all in a run."""

import shutil
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskwright.loss import Noised, cross_entropy, noised_loss
from maskwright.masking.select import IGNORE
from maskwright.models.modern import Modern
from maskwright.noise import Noise
from maskwright.objectives.base.contract import check, with_options
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.diffusion.mixed import Line, noised_problem
from maskwright.objectives.hybrid import Hybrid
from maskwright.prediction import problem_loss
from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.sampling.request import SampleRequest, load_models, texts
from maskwright.training.machine.compiling import compiled_loss
from maskwright.training.step import micro_batch
from maskwright.training.trainer import Trainer

from ..handmade import VOCABULARY, plain, rows
from ..sampling import toy

LINES = [0.3, 1.0, {"low": 0.8, "high": 0.0}, {"low": 0.0, "high": 1.0}]
SIZE = VOCABULARY.size


def losses(problem, logits, vocabulary=VOCABULARY):
    """[P] the weighted loss of each row of a problem, for logits [P, L, V]."""
    asked = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]
    noised = problem.noised(asked, vocabulary.is_special)
    each = noised_loss(logits.flatten(0, 1)[asked], problem.targets.flatten()[asked], noised)
    worth = each.double() * problem.weights.flatten()[asked].double()
    return torch.zeros(len(problem), dtype=torch.float64).index_add_(0, asked // problem.inputs.shape[1], worth)


@pytest.mark.parametrize("uniform", LINES, ids=str)
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_bound_of_a_law_without_context_is_its_likelihood(uniform, schedule):
    """There the true prediction is the same whatever was noised, so that the bound is tight, for every schedule."""
    some, price = plain(3000, 12), torch.linspace(-2, 3, SIZE)
    price[torch.from_numpy(VOCABULARY.is_special)] = -torch.inf
    truth = -price.log_softmax(0)[some.tokens].double().sum(1)
    logits = price.clone().masked_fill(price == -torch.inf, 5.0).expand(3000, 12, SIZE)  # specials must not matter
    objective = Diffusion(uniform=uniform, schedule=schedule, levels=2)
    for bound in (losses(objective(some, 0), logits), sum(losses(one, logits) for one in objective.scoring(some))):
        error = (bound - truth).std() / 3000**0.5
        assert float((bound - truth).mean()) == pytest.approx(0, abs=4 * float(error))
        assert float(error) < 0.05 * float(truth.mean())


def leave_one_out(problem):
    """[P, 5, V] the logarithm of p(token at a place | what is seen at the others) under the law of `toy`."""
    known, (clean, other) = toy.VOCABULARY, problem.noise[:, :, None, None].double().unbind(1)
    seen = problem.inputs[:, None, 1:-1]  # [P, 1, 3]
    fits = torch.where(seen == known.mask, 1.0, other + clean * (seen == toy.TEXTS))  # [P, 8, 3]
    scores = torch.full((*problem.inputs.shape, known.size), -40.0, dtype=torch.float64)
    for place, word in product(range(3), toy.WORDS):
        rest = fits[:, :, [i for i in range(3) if i != place]].prod(2) * toy.LAW
        scores[:, 1 + place, word] = (rest * (toy.TEXTS[:, place] == word)).sum(1).log()
    return scores


@pytest.mark.parametrize("uniform", LINES, ids=str)
def test_the_bound_is_tight_for_the_true_posterior_and_above_for_others(uniform):
    count, known = 6000, toy.VOCABULARY
    some = replace(plain(8 * count, 5), vocabulary=known, tokens=toy.canvas(1).tokens.repeat(8 * count, 1))
    some.tokens[:, 1:-1] = toy.TEXTS.repeat_interleave(count, 0)
    some.word[:, [0, -1]] = 0
    problem = Diffusion(uniform=uniform)(some, 0)
    exact = leave_one_out(problem)
    bound = losses(problem, exact, known).view(8, count)
    gap = (bound.mean(1) + toy.LAW.log()).abs()
    error = bound.std(1) / count**0.5
    assert (gap < 4 * error + 1e-3).all()
    assert float((toy.LAW * error).square().sum().sqrt()) < 0.15
    worse = losses(problem, exact / 2, known).view(8, count)
    assert float((toy.LAW * (worse - bound).mean(1)).sum()) > 0.01
    assert float((toy.LAW * worse.mean(1)).sum()) > float(-(toy.LAW * toy.LAW.log()).sum())


@given(st.floats(0.01, 0.99), st.floats(0.01, 1.0), st.integers(0, 9))
def test_a_loss_is_that_of_the_paper_written_out(noise, share, seed):
    logits = torch.randn(1, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    special = torch.tensor([True, True, False, False, False, False, False])  # id 0 is [MASK]
    alpha, u, m = 1 - noise, noise * share / 5, noise * (1 - share)
    theta = logits.masked_fill(special, -torch.inf).softmax(1)[0]
    put = torch.tensor([m, 0, u, u, u, u, u], dtype=torch.float64)
    for seen, target in ((0, 3), (3, 3), (4, 3)):
        p, q = alpha * torch.eye(7, dtype=torch.float64)[target] + put, alpha * theta + put
        if not p[seen]:
            continue
        kl = float((p * (p / q).clamp(min=1e-300).log())[p > 0].sum())
        ratio = p[seen] / q[seen]
        noised = Noised(torch.tensor([seen]), torch.tensor([alpha]), torch.tensor([u]), special)
        mine = noised_loss(logits, torch.tensor([target]), noised)
        assert float(mine) == pytest.approx((kl + float(ratio - ratio.log() - 1)) / alpha, rel=1e-3, abs=1e-5)


def test_without_random_tokens_it_is_the_cross_entropy():
    logits, targets = torch.randn(6, SIZE), torch.arange(5, 11)
    none = Noised(targets, torch.ones(6), torch.zeros(6), torch.from_numpy(VOCABULARY.is_special))
    assert torch.equal(noised_loss(logits, targets, none), cross_entropy(logits, targets))
    assert torch.equal(noised_loss(logits, targets, none, 0.1), cross_entropy(logits, targets, 0.1))
    some = noised_loss(logits.requires_grad_(), targets, none._replace(other=torch.full((6,), 1e-9)))
    assert torch.autograd.grad(some.sum(), logits)[0].isfinite().all()


@pytest.mark.parametrize("line", [Line(low=0.8, high=0.0), Line(low=0.1, high=0.9), Line(low=0.5, high=0.5)], ids=str)
def test_noise_has_its_shares_and_weights_are_one_on_average(line):
    some = plain(4000, 20)
    for level in (0.1, 0.5, 0.9):
        problem = noised_problem(some, line, np.full(4000, level), Noise(0, some.epoch, some.ids))
        masked = problem.inputs == VOCABULARY.mask
        changed = (problem.inputs != some.tokens) & ~masked
        share = line.at(level)
        assert float(masked.double().mean()) == pytest.approx(level * (1 - share), abs=0.01)
        assert float(changed.double().mean()) == pytest.approx(level * share, abs=0.012)
        assert float(problem.weights.double().mean()) == pytest.approx(1, abs=0.03)


def test_no_random_token_is_diffusion_to_the_bit():
    some = rows()
    plainly, none = Diffusion(), Diffusion(uniform={"low": 0.0, "high": 0.0})
    pairs = [(plainly(some, 0), none(some, 0)), *zip(plainly.scoring(some), none.scoring(some), strict=True)]
    for one, other in pairs:
        assert all(torch.equal(getattr(one, name), getattr(other, name)) for name in vars(one))
        assert micro_batch(some, one, torch.device("cpu")).noised is None
    assert none.capabilities == {"unmask"}
    assert Diffusion(uniform=1.0).capabilities == {"denoise"}


@pytest.mark.parametrize("uniform", LINES, ids=str)
def test_mixed_noise_keeps_the_contract(uniform):
    objective = Diffusion(uniform=uniform)
    assert not [one for one in check(lambda **options: with_options(objective, options), rows()) if one.counterexample]
    assert objective.for_validation().uniform == objective.uniform
    equal = Diffusion(uniform=uniform, weighted=False)(rows(), 0)
    assert set(equal.weights.unique().tolist()) == {0.0, 1.0}


def test_rows_of_both_kinds_have_each_their_loss():
    some = rows()
    both = Hybrid(masked=Diffusion(uniform=0.2), causal="causal", share=0.5)(some, 0)
    micro = micro_batch(some, both, torch.device("cpu"))
    assert micro.noised is not None
    logits = torch.randn(len(micro.targets), SIZE)
    found, plainly = noised_loss(logits, micro.targets, micro.noised), cross_entropy(logits, micro.targets)
    causal = micro.noised.other == 0
    assert torch.equal(found[causal], plainly[causal])
    assert (found != plainly)[~causal].all()
    assert found.isfinite().all()


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_a_compiled_step_has_the_same_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager", fullgraph=True))
    model = Modern(hidden=16, layers=1, heads=2, intermediate=24).build(SIZE, torch.Generator().manual_seed(1))
    ask, traced = compiled_loss(), torch._dynamo.utils.counters
    micro = micro_batch(rows(4), Diffusion(uniform=0.3)(rows(4), 0), torch.device("cpu"))
    places = micro.inputs, micro.mask, micro.positions, micro.target_positions
    eager, found = (loss(model, *places, micro.targets, 0.1, micro.noised)[0] for loss in (problem_loss, ask))
    assert torch.allclose(eager, found, rtol=1e-4, atol=1e-5)
    assert traced["stats"]["unique_graphs"] > 0


def test_a_mixed_run_is_resumed_scored_and_edited(settings: dict, tmp_path: Path) -> None:
    tree = settings | {"objective": {"name": "diffusion", "uniform": {"low": 0.4, "high": 0.0}}}
    tree["training"] = tree["training"] | {"steps": 14, "keep": None}
    numbers = Trainer(Config.of(tree), tmp_path / "whole", show=False).train().metrics
    assert numbers["valid/loss"] < 7
    (tmp_path / "broken/checkpoints").mkdir(parents=True)
    shutil.copytree(tmp_path / "whole/checkpoints/step-7", tmp_path / "broken/checkpoints/step-7")
    Trainer(Config.load(tmp_path / "whole"), tmp_path / "broken", resume=True, show=False).train()
    state, again = (saved.load(tmp_path / name)[0].state_dict() for name in ("whole", "broken"))
    assert all(torch.equal(value, again[name]) for name, value in state.items())
    request = SampleRequest(run=tmp_path / "whole", length=11, steps=5)
    models = load_models(request)
    for name in ("denoise", "edit", "mdlm"):
        assert texts(replace(request, sampler=name), models)
    assert texts(replace(request, sampler="denoise", edit="the cat sat on the mat", length=None), models)


def test_random_tokens_in_blocks_are_refused() -> None:
    for more in ({"block_length": 4}, {"frequency": 0.1}, {"pattern": {"max_ratio": 0.5}}):
        with pytest.raises(ValueError, match="random tokens come in whole texts and by the schedule"):
            Diffusion(uniform=0.5, **more)
