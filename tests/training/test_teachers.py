"""Distillation: what teachers add to the loss, that it is nothing without a share, and who is refused as one."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import kl_div
from torch.testing import assert_close

from maskwright.data.rows import Rows
from maskwright.loss import divergence
from maskwright.models.modern import Modern
from maskwright.objectives import distill
from maskwright.objectives.distill import Distill
from maskwright.prediction import Ensemble, Lesson, problem_loss
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.training.step import micro_batch
from maskwright.training.trainer import Trainer

from ..objectives.live import live
from .test_trainer import interrupted, losses, same, weights

STEPS = 12


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("taught")


@pytest.fixture
def small(settings: dict) -> dict:
    settings["model"] |= {"hidden": 16, "layers": 1, "heads": 1, "intermediate": 24}
    settings["training"] |= {"steps": STEPS, "batch_tokens": 512, "checkpoint_every": 5}
    return settings


def run(settings: dict, out: Path, *changes: str) -> Path:
    """The folder of a finished run, made once."""
    if not out.exists():
        Trainer(Config.of(settings, changes), out, show=False).train()
    return out


@pytest.fixture
def teacher(small: dict, folder: Path) -> Path:
    return run(small, folder / "teacher", "seed=3")


def taught(*teachers: Path, share: float = 0.5) -> list[str]:
    names = json.dumps([str(each) for each in teachers])
    return ["objective.name=distill", f"objective.teacher={names}", f"objective.share={share}"]


def first(settings: dict, out: Path, *changes: str) -> tuple[Trainer, Rows]:
    """A trainer before its first step, and the rows of that."""
    trainer = Trainer(Config.of(settings, changes), out, show=False)
    return trainer, next(iter(trainer.data.loader.batches(0, trainer.steps)))


@given(st.integers(0, 999), st.sampled_from([0.5, 1.0, 3.0]))
def test_the_divergence_and_its_gradient_are_those_of_torch(seed: int, temperature: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    own, teacher = (3 * torch.randn(40, 7, generator=generator) for _ in range(2))
    twin, pull = own.clone().requires_grad_(), torch.rand(40, generator=generator)
    own.requires_grad_()
    found = divergence(own, teacher, temperature)
    logs = ((scores / temperature).log_softmax(-1) for scores in (twin, teacher))
    wanted = temperature**2 * kl_div(*logs, reduction="none", log_target=True).sum(-1)
    assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert (found > -1e-5).all()
    (found * pull).sum().backward()
    (wanted * pull).sum().backward()
    assert_close(own.grad, twin.grad, atol=1e-5, rtol=1e-4)
    assert divergence(teacher, teacher + 5.0, temperature).abs().max() < 1e-4


def test_an_ensemble_says_the_mean_of_the_probabilities() -> None:
    sizes = [(16, 1), (32, 2)]
    models = [
        Modern(hidden=hidden, layers=1, heads=heads, intermediate=24, max_length=16 * heads)
        .build(50, torch.Generator().manual_seed(hidden))
        .eval()
        for hidden, heads in sizes
    ]
    both, tokens, asked = Ensemble(models), torch.arange(24).view(2, 12), torch.tensor([3, 7, 20])
    probabilities = [model.logits(model(tokens, None, None, asked)).softmax(-1) for model in models]
    assert_close(both.logits(both(tokens, None, None, asked)).exp(), sum(probabilities) / 2)
    assert both.max_length == 16


def test_a_teacher_without_a_share_changes_no_bit(small: dict, teacher: Path, folder: Path) -> None:
    plain = run(small, folder / "plain")
    without = run(small, folder / "without", *taught(teacher, share=0))
    assert losses(plain) == losses(without)
    assert same(weights(plain), weights(without))


def test_a_step_is_that_of_both_losses(small: dict, teacher: Path, folder: Path) -> None:
    """The gradient, and with it the step, of plain autograd on cross-entropy and KL."""
    other = run(small, folder / "other", "seed=4")
    sgd = ["optimizer.name=sgd", "optimizer.lr=1.0", "optimizer.momentum=0", "training.clip=null"]
    changes = [*sgd, *taught(teacher, other, share=0.7), "objective.temperature=2.0", "training.warmup=0"]
    trainer, rows = first(small, folder / "step", *changes)
    before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    whole = trainer.objective(rows, 0)
    micro, models = micro_batch(rows, whole, trainer.device), [load(each).model for each in (teacher, other)]
    sent = micro.inputs, micro.mask, micro.positions, micro.target_positions
    with torch.no_grad():
        mean = sum(model.logits(model(*sent)).softmax(-1) for model in models) / 2
    soft = mean.pow(1 / 2.0) / mean.pow(1 / 2.0).sum(-1, keepdim=True)
    scores = trainer.model.logits(trainer.model(*sent))
    hard = -scores.log_softmax(-1).gather(1, micro.targets[:, None])[:, 0]
    kl = 4 * (soft * (soft.log() - (scores / 2.0).log_softmax(-1))).sum(-1)
    (((0.3 * hard + 0.7 * kl) * micro.weights).sum() / micro.weights.sum()).backward()
    wanted = [parameter.grad.clone() for parameter in trainer.model.parameters()]
    trainer.model.zero_grad()
    trainer.update(rows)
    for parameter, old, gradient in zip(trainer.model.parameters(), before, wanted, strict=True):
        assert_close(parameter.detach(), old - gradient, atol=1e-5, rtol=1e-3)


def test_a_model_comes_nearer_to_its_teacher_alone(small: dict, teacher: Path, folder: Path) -> None:
    """With the teacher's own weights nothing is left to learn; from others, the divergence falls."""
    small["optimizer"]["lr"] = 0.02
    out = run(small, folder / "follower", *taught(teacher, share=1))
    seen = [line["loss"] for line in losses(out) if "loss" in line]
    assert seen[-1] < 0.8 * seen[0]
    copy, rows = first(small, folder / "copy", *taught(teacher, share=1), f"training.init_from={teacher}")
    copy.update(rows)
    assert copy.state.metrics.read()["loss"] < 1e-5


def test_a_taught_run_resumes_to_the_same_bits_and_is_read_without_its_teacher(
    small: dict, teacher: Path, folder: Path, command
) -> None:
    gone = folder / "gone"
    shutil.copytree(teacher, gone)
    config = Config.of(small, taught(gone))
    code, _, said = command("train", write(config, folder), "--out", folder / "whole")
    assert code == 0
    assert f"teachers   {gone}: share 0.5, temperature 1" in said.replace("\n", "")
    interrupted(config, folder / "broken", 5)
    Trainer(config, folder / "broken", resume=True, show=False).train()
    assert losses(folder / "whole") == losses(folder / "broken")
    assert same(weights(folder / "whole"), weights(folder / "broken"))
    shutil.rmtree(gone)
    code, out, _ = command("evaluate", folder / "whole", "--json")
    assert code == 0
    assert json.loads(out)["masked/loss"] > 0


def write(config: Config, folder: Path) -> Path:
    config.write(folder / "taught.yaml")
    return folder / "taught.yaml"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["tokenizer.size=400"], "teacher=.*teacher has another tokenizer"),
        (["objective.objective=causal"], r"teacher was not trained for what is asked \(forward\)"),
        (["rows.length=128", "model.max_length=128"], "teacher takes max_length=64: rows have 128 tokens"),
        (["objective.teacher=nowhere"], "nowhere"),
        (["objective.share=1.5"], "objective.share=1.5"),
        (["objective.temperature=0"], "objective.temperature=0"),
    ],
)
def test_whoever_cannot_teach_is_named(small: dict, teacher: Path, tmp_path: Path, changes, sentence) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        Trainer(Config.of(small, [*taught(teacher), *changes]), tmp_path / "out", show=False)
    assert "\n" not in str(caught.value)


def test_a_taught_objective_inside_another_is_refused(small: dict, teacher: Path, tmp_path: Path) -> None:
    inner = f"{{name: distill, teacher: {json.dumps(str(teacher))}}}"
    changes = ["objective.name=hybrid", f"objective.masked={inner}"]
    with pytest.raises(ValueError, match="distill is inside another"):
        Trainer(Config.of(small, changes), tmp_path / "out", show=False)


def test_no_teacher_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(distill.logger, "warning", said.append)
    assert live(Distill()).teaching is None
    assert "has no teacher" in said[0]


def test_a_lesson_has_its_share_of_the_loss() -> None:
    model = Modern(hidden=16, layers=1, heads=1, intermediate=24, max_length=16).build(50, torch.Generator())
    tokens, asked = torch.arange(24).view(2, 12), torch.tensor([3, 7, 20])
    scores = torch.randn(3, 50, generator=torch.Generator().manual_seed(1))
    given = model, tokens, None, None, asked, tokens.flatten()[asked], 0.0
    hard, soft = problem_loss(*given)[0], divergence(model.logits(model(*given[1:5])), scores, 2.0)
    assert_close(problem_loss(*given, None, Lesson(scores, 0.3, 2.0))[0], 0.7 * hard + 0.3 * soft)
