"""A run with every variant: it learns, goes on to the same bits, and knows [MASK] wherever it is opened."""

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from ..models.test_variants import ALL
from .test_trainer import interrupted, losses, same, weights


@pytest.fixture
def varied(settings: dict) -> Config:
    settings["model"] |= ALL | {"layers": 4}
    settings["optimizer"] = {"name": "muon", "lr": 0.01}
    settings["training"] |= {"steps": 20, "ema": 0.8, "micro_batch_tokens": 512, "activation_checkpointing": True}
    return Config.of(settings)


def test_a_resumed_run_of_all_variants_is_the_unbroken_run(varied: Config, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    Trainer(varied, whole, show=False).train()
    interrupted(varied, broken, 14)
    resumed = Trainer(varied, broken, resume=True, show=False)
    assert resumed.step == 14
    resumed.train()
    lines = losses(whole)
    assert lines == losses(broken)
    assert same(weights(whole), weights(broken))
    seen = [line["loss"] for line in lines if "loss" in line]
    assert seen[-1] < seen[0] - 0.2
    model, tokenizer = saved.load(whole)
    assert model.late.token.item() == tokenizer.vocabulary.mask
    told = Config.load(whole).model
    assert told == varied.model


@torch.no_grad()
def test_a_run_leaves_masks_out_of_its_first_layers(varied: Config, tmp_path: Path) -> None:
    trainer = Trainer(varied, tmp_path / "run", show=False)
    rows = trainer.data.loader.batch(0, trainer.steps)
    problem = trainer.objective(rows, 0)
    widths = []
    for layer in trainer.model.layers:
        layer.register_forward_pre_hook(lambda _, given: widths.append(given[0].shape[1]))
    trainer.model(problem.inputs)
    most = int((problem.inputs != trainer.data.shards.vocabulary.mask).sum(1).max())
    assert most < 32
    assert widths == [most + most % 2] * 3 + [32]  # rounded to a sixteenth of the row


def test_another_tokenizer_brings_its_own_mask(settings: dict, text: Path, tmp_path: Path) -> None:
    settings["model"] |= {"mask_later": 1}
    settings["training"]["steps"] = 1
    Trainer(Config.of(settings), tmp_path / "old", show=False).train()
    settings["tokenizer"] = {"kind": "wordpiece", "size": 300}
    settings["training"] |= {"init_from": str(tmp_path / "old"), "new_tokens": "mean"}
    trainer = Trainer(Config.of(settings), tmp_path / "new", show=False)
    assert trainer.model.late.token.item() == trainer.data.shards.vocabulary.mask
    assert_close(trainer.model.norm.weight, saved.load(tmp_path / "old")[0].norm.weight)
