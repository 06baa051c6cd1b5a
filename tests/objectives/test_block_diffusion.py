"""Block diffusion: blocks of one token are a causal likelihood, one block is plain diffusion, and nothing leaks."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maskwright.attention import block_mask, mask
from maskwright.evaluate.validation.validate import score_targets
from maskwright.masking.select import IGNORE
from maskwright.models.modern import Modern
from maskwright.objectives.base.contract import check, with_options
from maskwright.objectives.base.problem import Problem
from maskwright.objectives.causal import Causal
from maskwright.objectives.diffusion import Diffusion
from maskwright.prediction import predict
from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.sampling.denoiser import Denoiser
from maskwright.sampling.generate import generate
from maskwright.sampling.mask_schedule import MaskSchedule
from maskwright.sampling.prefill import in_blocks
from maskwright.sampling.request import SampleRequest, build_sampler, load_models, texts
from maskwright.training.trainer import Trainer

from ..handmade import VOCABULARY, plain, rows
from ..sampling.toy import canvas

SIZE = VOCABULARY.size


class Visible(torch.nn.Module):
    """Asks what an asked position sees, [MASK]s aside, and where: any view of the same tokens gives the same logits.

    ahead: how many positions after it the token stands that a position is asked for.
    """

    def __init__(self, ahead):
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.ahead = ahead
        self.weight = torch.nn.Parameter(torch.randn(SIZE, 64, 16, generator=draw))
        self.out = torch.nn.Parameter(torch.randn(65, 16, SIZE, generator=draw) / 4)

    def forward(self, tokens, mask, positions):
        each = self.weight[tokens, positions] * (tokens != VOCABULARY.mask)[..., None]  # [B, M, 16]
        seen = mask[:, 0].float() @ each
        return torch.einsum("bmd,bmdv->bmv", seen.tanh(), self.out[positions + self.ahead])

    def logits(self, hidden):
        return hidden


@torch.no_grad()
def nats(model, objective, some):
    """[B] float64, what the scoring of an objective says of rows; targets that are [SEP] aside."""
    total = torch.zeros(len(some), dtype=torch.float64)
    for problem in objective.scoring(some):
        asked = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]
        targets = problem.targets.flatten()[asked]
        loss, *_ = score_targets(model, some, problem, asked, targets)
        worth = loss.double() * problem.weights.flatten()[asked].double() * (targets != VOCABULARY.sep)
        total.scatter_add_(0, problem.source_row[asked // problem.inputs.shape[1]], worth)
    return total


def test_blocks_of_one_token_are_the_causal_likelihood():
    some = rows()  # several documents in a row, padding
    bound = nats(Visible(0), Diffusion(block_length=1), some)
    assert torch.allclose(bound, nats(Visible(1), Causal(), some), rtol=1e-6)
    assert (bound > 10).any()


def model(length=64):
    made = Modern(hidden=32, layers=2, heads=2, intermediate=48, max_length=length)
    built = made.build(SIZE, torch.Generator().manual_seed(3)).eval()
    for weight in built.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.2, generator=torch.Generator().manual_seed(len(weight)))
    return built


@torch.no_grad()
def test_one_block_is_diffusion():
    some, made = rows(), model()
    for doubled in (Diffusion(block_length=64)(some, 0), *Diffusion(block_length=64, levels=2).scoring(some)):
        first = {name: getattr(doubled, name)[:, :64] for name in ("inputs", "targets", "weights")}
        single = Problem(**first, view=doubled.view)
        one, two = predict(made, single, some.document), predict(made, doubled, some.document)
        assert torch.allclose(one.losses, two.losses, atol=1e-5)
        assert torch.equal(one.weights, two.weights)
    whole = plain(4000, 8)
    weights, asked = [], []
    for size in (8, None):  # the weights have the law of those without blocks
        problem = Diffusion(block_length=size)(whole, 0)
        hidden = problem.targets[:, :8] != IGNORE
        weights.append(float((problem.weights[:, :8] * hidden).sum(1).mean()))
        asked.append(Counter(hidden.sum(1).tolist()))
    assert weights[0] == pytest.approx(weights[1], rel=0.05)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "log_linear"])
def test_every_schedule_is_the_same_bound_in_blocks(schedule):
    some = plain(4000, 13)
    problem = Diffusion(schedule=schedule, block_length=4)(some, 0)
    hidden = (problem.targets[:, 5:13] != IGNORE).view(-1, 4)  # the second and third block
    weight, many = problem.weights[:, 5:13].reshape(-1, 4).sum(1), hidden.sum(1)
    for number in range(1, 5):
        share = float((many == number).double().mean())
        assert share * float(weight[many == number].mean()) / number == pytest.approx(1 / number, rel=0.04)
    assert float(hidden.float().mean(0).std()) < 0.01  # every place as often


def test_the_exam_hides_every_number_of_tokens_once():
    some = plain(50, 13)
    found = [
        (problem.targets[:, 5:13] != IGNORE).view(-1, 4).sum(1) for problem in Diffusion(block_length=4).scoring(some)
    ]
    assert len(found) == 4
    assert all((torch.stack(found).sort(0).values[:, block] == torch.arange(1, 5)).all() for block in range(100))


@pytest.mark.parametrize("size", [1, 3, 16, 64, 1000])
def test_blocks_keep_the_contract(size):
    objective = Diffusion(block_length=size)
    assert not [one for one in check(lambda **options: with_options(objective, options), rows()) if one.counterexample]


def test_a_noisy_block_sees_itself_and_clean_ones_before_it():
    problem = Diffusion(block_length=3)(plain(1, 10), 0)
    seen = mask(**problem.sight(torch.zeros(1, 10, dtype=torch.int32)))[0, 0]
    blocks = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    for query in range(20):
        for key in range(20):
            one, other = blocks[query % 10], blocks[key % 10]
            clean = key >= 10
            expected = (other < one and clean) or (other == one and clean == (query >= 10))
            assert seen[query, key] == expected
    made = block_mask(**problem.sight(torch.zeros(1, 10, dtype=torch.int32)))
    built = torch.tensor(
        [
            [bool(made.mask_mod(torch.tensor(0), 0, torch.tensor(q), torch.tensor(k))) for k in range(20)]
            for q in range(20)
        ]
    )
    assert torch.equal(built, seen)


@pytest.mark.parametrize("sampler", ["mdlm", "llada", "remdm", "fast_dllm", "renoise"])
def test_blocks_are_written_alike_with_and_without_a_cache(sampler):
    made, begin = model(), canvas(20, [7, 9, *[VOCABULARY.mask] * 31])
    tokens = begin.tokens.clone()
    tokens[:, 0], tokens[:, -1] = VOCABULARY.cls, VOCABULARY.sep
    begin = replace(begin, tokens=tokens, free=tokens == VOCABULARY.mask)
    block, seen = in_blocks(35, 5)
    found, read = [], ([], [])
    for keep, counted in zip((True, False), read, strict=True):
        hook = made.register_forward_pre_hook(lambda _, inputs, to=counted: to.append(inputs[0].numel()))
        denoiser = Denoiser(made, VOCABULARY, seen=seen, keep_keys=keep)
        *_, last = generate(denoiser, build_sampler(sampler), begin, MaskSchedule(steps=28), 1, None, block)
        found.append(last.tokens)
        hook.remove()
    assert torch.equal(*found)
    assert VOCABULARY.mask not in found[0]
    assert sum(read[1]) > 2 * sum(read[0])


def test_a_run_is_resumed_scored_and_sampled(settings: dict, tmp_path: Path) -> None:
    tree = settings | {"objective": {"name": "diffusion", "block_length": 4}}
    tree["training"] = tree["training"] | {"steps": 14, "keep": None}
    Trainer(Config.of(tree), tmp_path / "whole", show=False).train()
    (tmp_path / "broken/checkpoints").mkdir(parents=True)
    shutil.copytree(tmp_path / "whole/checkpoints/step-7", tmp_path / "broken/checkpoints/step-7")
    Trainer(Config.load(tmp_path / "whole"), tmp_path / "broken", resume=True, show=False).train()
    state, again = (saved.load(tmp_path / name)[0].state_dict() for name in ("whole", "broken"))
    assert all(torch.equal(value, again[name]) for name, value in state.items())
    request = SampleRequest(run=tmp_path / "whole", length=11, count=2, steps=12)
    models = load_models(request)
    assert len(texts(request, models)) == 2
    with pytest.raises(ValueError, match=r"block_length=3: .* was trained in blocks of 4"):
        texts(replace(request, block_length=3), models)


def test_blocks_may_grow_over_a_run_that_begins_with_a_causal_model(settings: dict, tmp_path: Path) -> None:
    short = settings["training"] | {"steps": 6}
    Trainer(Config.of(settings | {"objective": "causal", "training": short}), tmp_path / "causal", show=False).train()
    stages = [
        {"objective": {"name": "diffusion", "block_length": 1}, "until": 0.4},
        {"objective": {"name": "diffusion", "block_length": 4}, "until": 0.7},
        {"objective": "diffusion", "until": 1.0},
    ]
    tree = settings | {"objective": {"name": "staged", "stages": stages, "keep_earlier": True}}
    tree["training"] = short | {"init_from": str(tmp_path / "causal")}
    numbers = Trainer(Config.of(tree), tmp_path / "grown", show=False).train().metrics
    assert numbers["step"] == 6
    widths = {len(Config.of(tree).objective.stages[place].objective(rows(), 0).inputs[0]) for place in range(3)}
    assert widths == {64, 128}
    single, doubled = Diffusion()(rows(), 0), Diffusion(block_length=4)(rows(), 1)
    both, made = Problem.joined([single, doubled]), model()
    with torch.no_grad():
        alone = [predict(made, one, rows().document).losses.sum() for one in (single, doubled)]
        assert float(predict(made, both, rows().document).losses.sum()) == pytest.approx(float(sum(alone)), rel=1e-5)
    tree |= {"model": {"name": "ltg_bert", "hidden": 32, "layers": 1, "heads": 2}, "training": short}
    with pytest.raises(ValueError, match="lays a text out twice"):
        Trainer(Config.of(tree), tmp_path / "no")


def test_models_without_positions_are_refused(settings: dict, tmp_path: Path) -> None:
    tree = settings | {"objective": {"name": "diffusion", "block_length": 4}}
    tree["model"] = {"name": "ltg_bert", **{k: v for k, v in tree["model"].items() if k != "name"}}
    with pytest.raises(ValueError, match=r"model\.name=ltg_bert does not; take modern, minigpt or hlb_gpt"):
        Trainer(Config.of(tree), tmp_path / "run", show=False)
    with pytest.raises(ValueError, match="block_length=4: blocks are masked by the schedule"):
        Diffusion(block_length=4, frequency=0.02)
