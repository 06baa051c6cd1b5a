"""Runs of diffusion and its detectors: resumed exactly, one from the other, one with the errors of the other."""

import shutil
from pathlib import Path

import pytest
import torch

from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer


def train(settings: dict, out: Path, objective: dict, **training: object) -> Path:
    tree = settings | {"objective": objective, "training": settings["training"] | training}
    Trainer(Config.of(tree), out, show=False).train()
    return out


def test_counts_are_resumed_too(settings: dict, tmp_path: Path) -> None:
    objective = {"name": "diffusion", "frequency": 0.5}
    whole = train(settings, tmp_path / "whole", objective, steps=14, keep=None)
    state = saved.load(whole)[0].state_dict()
    broken = tmp_path / "broken"
    (broken / "checkpoints").mkdir(parents=True)
    shutil.copytree(whole / "checkpoints" / "step-7", broken / "checkpoints" / "step-7")
    Trainer(Config.load(whole), broken, resume=True, show=False).train()
    assert all(torch.equal(value, state[name]) for name, value in saved.load(broken)[0].state_dict().items())


def test_a_detector_starts_from_an_unmasker_and_learns_its_errors(settings: dict, tmp_path: Path) -> None:
    unmasker = train(settings, tmp_path / "unmasker", {"name": "diffusion"}, steps=10)
    errors = {"name": "remask", "corruption": {"synthetic": 1.0}, "generator_run": str(unmasker)}
    detector = train(settings, tmp_path / "detector", errors, steps=10, init_from=str(unmasker))
    assert saved.load(detector)[0].state_dict().keys() == saved.load(unmasker)[0].state_dict().keys()
    with pytest.raises(ValueError, match="cannot predict masked tokens: name a run of a masking objective"):
        train(settings, tmp_path / "third", errors | {"generator_run": str(detector)})


def test_one_model_learns_both(settings: dict, tmp_path: Path) -> None:
    both = {"name": "hybrid", "masked": "diffusion", "causal": "remask", "share": 0.5}
    out = train(settings, tmp_path / "both", both, steps=10)
    assert Config.load(out).objective.capabilities == {"detect", "unmask"}
