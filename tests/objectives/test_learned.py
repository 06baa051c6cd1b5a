"""A masker that learns what is hard, within its bounds, without bias, and resumes."""

from pathlib import Path

import pytest
import torch

from maskwright.masking.select import IGNORE
from maskwright.masking.weighted import systematic_tokens
from maskwright.noise import Noise
from maskwright.objectives.learned import Learned, LiveLearned
from maskwright.objectives.learned.policy import Masker, entropy, inclusion_probs, policy, policy_loss
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from ..handmade import plain, rows
from ..training.test_trainer import interrupted, losses, same, weights
from .live import live

HARD = torch.arange(70, 90)


def school(objective: LiveLearned, steps: int) -> None:
    """Steps in which the types in HARD are hard, wherever they stand."""
    for epoch in range(steps):
        problem = objective(plain(40, 64, epoch=epoch), 0)
        loss = torch.where(torch.isin(problem.targets, HARD), 6.0, 1.0) * (problem.targets != IGNORE)
        objective.observe(problem, loss, loss < 2)
        objective.end_step()


def test_it_learns_what_is_hard_and_keeps_its_bounds(caplog: pytest.LogCaptureFixture) -> None:
    objective, some = live(Learned(ratio=0.2, lr=0.02, entropy=0.9, uniform=0.3)), plain(100, 64, epoch=999)
    school(objective, 150)
    hidden, hard = objective(some, 0).targets != IGNORE, torch.isin(some.tokens, HARD)
    assert hidden[hard].double().mean() > 1.5 * hidden[~hard].double().mean()
    chance = objective.weigh(some, Noise(0, some.epoch, some.ids))
    assert chance.min() >= 0.3 / 64 - 1e-6
    assert entropy(chance, some.maskable).mean() > 0.87
    assert objective.log()["masker/entropy"] > 0.87
    objective.on_validation({"loss": 1.0})
    assert caplog.messages == []


def test_without_a_floor_it_goes_further(caplog: pytest.LogCaptureFixture) -> None:
    free = live(Learned(ratio=0.2, lr=0.02, entropy=0.0, uniform=0.01))
    school(free, 150)
    assert free.log()["masker/entropy"] < 0.85
    held = live(Learned(ratio=0.2, lr=0.02, entropy=0.9, uniform=0.01))
    held.present_entropy = 0.5
    held.on_validation({"loss": 1.0})
    assert "entropy is 0.50, below its floor of 0.9" in caplog.messages[0]


def test_at_its_start_it_is_even_and_so_is_its_exam() -> None:
    objective, some = live(Learned(lr=0.02)), rows()
    chance = objective.weigh(some, Noise(7, some.epoch, some.ids))
    assert torch.allclose(chance.sum(1), torch.ones(12))
    assert torch.allclose(chance, some.maskable / some.maskable.sum(1, keepdim=True))
    fresh = objective(plain(40, 64), 0)
    school(objective, 20)
    assert torch.equal(objective.for_validation()(plain(40, 64), 0).inputs, fresh.inputs)
    assert not torch.equal(objective(plain(40, 64), 0).inputs, fresh.inputs)


def test_padding_and_what_is_special_change_nothing() -> None:
    masker, some = Masker(120, 8, seed=1), rows(count=6)
    torch.nn.init.normal_(masker.score.weight)
    scores = masker(some.tokens, some.maskable)
    other = torch.where(some.maskable, some.tokens, 2)
    assert torch.equal(masker(other, some.maskable), scores)
    wider = masker(torch.nn.functional.pad(some.tokens, (0, 5)), torch.nn.functional.pad(some.maskable, (0, 5)))
    assert torch.allclose(wider[:, :-5], scores, atol=1e-5)


def test_the_chances_of_being_hidden_add_up() -> None:
    chance = torch.rand(50, 30).softmax(1)
    many = torch.arange(50) % 29
    assert torch.allclose(inclusion_probs(chance, many).sum(1), many.float(), rtol=1e-5)
    assert inclusion_probs(chance, many).max() <= 1


def test_the_gradient_is_that_of_the_expected_reward() -> None:
    torch.manual_seed(0)
    scores, reward, draws = torch.randn(1, 12), torch.randn(1, 12), 20_000
    free = torch.ones(1, 12, dtype=torch.bool)
    exact = scores.clone().requires_grad_()
    (policy(exact, free, 0.2) * reward).sum().backward()
    sampled = scores.clone().requires_grad_()
    chance = policy(sampled, free, 0.2)
    keys = Noise(0, torch.zeros(draws), torch.arange(draws)).keys("x")
    group, many = torch.ones(draws, 12, dtype=torch.int32).numpy(), torch.full((draws,), 4).numpy()
    asked = (
        torch.from_numpy(systematic_tokens(chance.detach().expand(draws, 12).contiguous().numpy(), group, many, keys))
        > 0
    )
    (policy_loss(chance.expand(draws, 12), free, asked, reward.expand(draws, 12), 0.0) / draws).backward()
    assert torch.allclose(-sampled.grad, exact.grad, atol=0.03 * float(exact.grad.abs().max()) + 0.004)


def test_entropy_that_is_missing_is_asked_for() -> None:
    scores = torch.tensor([[4.0, 0.0, 0.0, 0.0]], requires_grad=True)
    free, nothing = torch.ones(1, 4, dtype=torch.bool), torch.zeros(1, 4)
    policy_loss(policy(scores, free, 0.01), free, nothing.bool(), nothing, 0.9).backward()
    assert scores.grad[0, 0] > 0.1
    scores.grad = None
    policy_loss(policy(scores, free, 0.01), free, nothing.bool(), nothing, 0.1).backward()
    assert scores.grad.abs().max() == 0


def test_a_masker_of_another_vocabulary_is_refused() -> None:
    objective, other = live(Learned()), live(Learned())
    state = objective.state_dict()
    state["masker.embedding.weight"] = state["masker.embedding.weight"][:50]
    with pytest.raises(ValueError, match="learned for 50 tokens, and the tokenizer has 120"):
        other.load_state_dict(state)


def test_the_seed_makes_the_masker() -> None:
    def table(seed: int) -> torch.Tensor:
        return live(Learned(), seed).state_dict()["masker.embedding.weight"]

    assert torch.equal(table(1), table(1))
    assert not torch.equal(table(1), table(2))


def test_a_resumed_learned_run_is_the_unbroken_run(settings: dict, tmp_path: Path) -> None:
    settings["objective"] = {"name": "learned", "lr": 0.01}
    settings["training"] |= {"micro_batch_tokens": 512}
    Trainer(Config.of(settings), tmp_path / "whole", show=False).train()
    interrupted(Config.of(settings), tmp_path / "broken", 21)
    Trainer(Config.of(settings), tmp_path / "broken", resume=True, show=False).train()
    kept = [
        [
            {name: value for name, value in line.items() if name != "masker/step_share"}
            for line in losses(tmp_path / run)
        ]
        for run in ("whole", "broken")
    ]
    assert kept[0] == kept[1]
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    shares = [line["masker/step_share"] for line in losses(tmp_path / "whole") if "masker/step_share" in line]
    assert all(0 < share < 1 for share in shares)
    assert kept[0][30]["masker/entropy"] < 1
