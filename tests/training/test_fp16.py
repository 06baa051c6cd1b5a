"""float16: near float32, a loss scale that finds itself and is resumed, and what does not go with it."""

from pathlib import Path

import pytest
import torch

from maskwright.run.config import Config
from maskwright.training import trainer
from maskwright.training.step import resolve_matmul_dtype
from maskwright.training.trainer import Trainer

from .test_trainer import interrupted, losses, same, weights


@pytest.fixture
def half(settings: dict) -> Config:
    settings["training"] |= {"precision": "fp16"}
    return Config.of(settings)


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scale that begins where every gradient overflows, and soon tries a larger one."""
    moving = torch.amp.GradScaler("cpu", init_scale=2.0**30, growth_interval=4).state_dict()

    def scaler(cast: torch.dtype, device: torch.device, parallel: str) -> torch.amp.GradScaler:
        made = torch.amp.GradScaler(device.type)
        made.load_state_dict(moving)
        return made

    monkeypatch.setattr(trainer, "scaler", scaler)


def test_a_run_ends_near_that_in_float32(half: Config, settings: dict, tmp_path: Path) -> None:
    exact = Config.of(settings | {"training": settings["training"] | {"precision": "fp32"}})
    rounded, other = (
        Trainer(config, tmp_path / config.training.precision, show=False).train().metrics for config in (half, exact)
    )
    assert rounded["valid/loss"] == pytest.approx(other["valid/loss"], rel=0.01)
    assert rounded["valid/loss"] != other["valid/loss"]


def test_an_overflow_skips_the_update_and_halves_the_scale(half: Config, tmp_path: Path, restless: None) -> None:
    run = Trainer(half, tmp_path / "run", show=False)
    before = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    batches = run.data.loader.batches(0, run.steps)
    scales = []
    for _ in range(24):
        run.update(next(batches))
        scales.append(run.state.scaler.get_scale())
        assert same(before, run.model.state_dict()) == (scales[-1] == 2.0 ** (30 - len(scales)))
    assert scales[0] == 2.0**29
    assert 2.0**10 < min(scales) < max(scales[-5:])


def test_a_resumed_run_keeps_its_scale(half: Config, tmp_path: Path, restless: None) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    Trainer(half, whole, show=False).train()
    interrupted(half, broken, 21)
    resumed = Trainer(half, broken, resume=True, show=False)
    assert resumed.state.scaler.state_dict()["scale"] < 2.0**30
    resumed.train()
    assert losses(whole) == losses(broken)
    assert same(weights(whole), weights(broken))


@pytest.mark.parametrize(("modern", "wanted"), [(True, torch.bfloat16), (False, torch.float16)])
def test_an_older_gpu_gets_float16(monkeypatch: pytest.MonkeyPatch, modern: bool, wanted: torch.dtype) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: modern)
    assert resolve_matmul_dtype("auto", torch.device("cuda")) == wanted
    assert resolve_matmul_dtype("bf16", torch.device("cuda")) == torch.bfloat16


def test_sharded_parameters_are_refused(settings: dict, tmp_path: Path) -> None:
    settings["training"] |= {"precision": "fp16", "parallel": "fsdp"}
    with pytest.raises(ValueError, match="parallel=fsdp does not support float16 matrix products"):
        Trainer(Config.of(settings), tmp_path / "run", show=False)
