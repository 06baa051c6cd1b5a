"""A run may begin with the weights of another, whatever that one was asked."""

import shutil
from pathlib import Path

import pytest
import torch

from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.run.metrics_log import read_lines
from maskwright.training.trainer import Trainer

from .test_trainer import interrupted, losses, same, weights


@pytest.fixture
def first(settings: dict, tmp_path: Path) -> Path:
    """A run of masked prediction."""
    settings["training"]["steps"] = 60
    Trainer(Config.of(settings), tmp_path / "first", show=False).train()
    return tmp_path / "first"


def following(settings: dict, first: Path, *overrides: str) -> Config:
    return Config.of(settings, ["training.steps=8", f"training.init_from={first}", *overrides])


def test_a_model_goes_on_under_another_objective(settings: dict, first: Path, tmp_path: Path) -> None:
    config = following(settings, first, "objective.name=causal", "training.ema=0.5")
    trainer = Trainer(config, tmp_path / "second", show=False)
    assert same(dict(trainer.model.state_dict()), weights(first))
    assert all(torch.equal(kept, weights(first)[name]) for name, kept in trainer.state.averages["ema"].weights.items())
    trainer.train()
    Trainer(Config.of(settings, ["objective.name=causal", "training.steps=8"]), tmp_path / "new", show=False).train()
    ahead, new = (read_lines(tmp_path / name / "metrics.jsonl")[0]["loss"] for name in ("second", "new"))
    assert ahead < new - 0.3


def test_resumed_it_goes_on_where_it_was(settings: dict, first: Path, tmp_path: Path) -> None:
    config = following(settings, first)
    Trainer(config, tmp_path / "whole", show=False).train()
    interrupted(config, tmp_path / "broken", 7)
    first.rename(tmp_path / "gone")
    Trainer(config, tmp_path / "broken", resume=True, show=False).train()
    assert losses(tmp_path / "whole") == losses(tmp_path / "broken")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))


def test_without_a_checkpoint_it_begins_there_again(settings: dict, first: Path, tmp_path: Path) -> None:
    config = following(settings, first)
    interrupted(config, tmp_path / "broken", 7)
    shutil.rmtree(tmp_path / "broken" / "checkpoints")
    trainer = Trainer(config, tmp_path / "broken", resume=True, show=False)
    assert trainer.step == 0
    assert same(dict(trainer.model.state_dict()), weights(first))


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("model.hidden=48", "is another model: model.hidden is 32 there and 48 here"),
        ("model.name=ltg-bert-xs", "is another model: model."),
        ("tokenizer.size=400", "has another tokenizer: take that one, tokenizer.file="),
        ("training.init_from=nowhere", "nowhere holds no trained model"),
    ],
)
def test_what_does_not_fit_is_refused(
    settings: dict, first: Path, tmp_path: Path, override: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=r".*") as refused:
        Trainer(following(settings, first, override), tmp_path / "second", show=False)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "second").exists()


def test_parts_of_tokens_are_part_of_the_model(settings: dict, tmp_path: Path) -> None:
    settings["model"]["nhot"], settings["training"]["steps"] = {"fusion": "gate"}, 3
    Trainer(Config.of(settings), tmp_path / "first", show=False).train()
    trainer = Trainer(following(settings, tmp_path / "first"), tmp_path / "second", show=False)
    assert same(dict(trainer.model.state_dict()), weights(tmp_path / "first"))
    with pytest.raises(ValueError, match=r"is another model: model\.nhot"):
        Trainer(following(settings, tmp_path / "first", "model.nhot.fusion=add"), tmp_path / "third", show=False)


def test_the_tokenizer_that_the_refusal_names_is_the_right_one(settings: dict, first: Path, tmp_path: Path) -> None:
    tokenizer = {"tokenizer": {"file": str(first / "final")}}
    trainer = Trainer(following(settings | tokenizer, first), tmp_path / "second", show=False)
    assert trainer.data.shards.tokenizer.fingerprint == saved.load(first)[1].fingerprint
