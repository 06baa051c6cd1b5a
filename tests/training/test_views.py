"""Whole runs of the objectives that look one way: what they learn is kept, and one setting takes a run to another."""

from pathlib import Path

import pytest

from maskwright.run import checkpoint
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from .test_trainer import interrupted, losses, same, weights


def test_an_adapting_chance_is_resumed(settings: dict, tmp_path: Path) -> None:
    settings["objective"] = {"name": "mirror", "p_bw": "adapt"}
    config, whole, broken = Config.of(settings), tmp_path / "whole", tmp_path / "broken"
    Trainer(config, whole, show=False).train()
    interrupted(Config.of(settings), broken, 21)
    saved, _ = checkpoint.load(broken / "checkpoints" / "step-21")
    logged = [line["p_bw"] for line in losses(whole) if "p_bw" in line]
    assert float(saved["objective"]["p_bw"]) == logged[20]
    assert len(set(logged)) > 5
    Trainer(Config.of(settings), broken, resume=True, show=False).train()
    assert losses(whole) == losses(broken)
    assert same(weights(whole), weights(broken))


@pytest.mark.parametrize("name", ["mlm", "causal", "mntp", "mirror"])
def test_one_setting_changes_the_objective(settings: dict, name: str, tmp_path: Path) -> None:
    config = Config.of(settings, [f"objective.name={name}", "training.steps=12"])
    trainer = Trainer(config, tmp_path / "run", show=False)
    start = trainer.model.state_dict()
    other = Trainer(Config.of(settings), tmp_path / "other", show=False)
    assert same(start, other.model.state_dict()), "the weights do not know the objective"
    numbers = trainer.train().metrics
    exams = {"mlm": {"masked"}, "causal": {"forward"}, "mntp": {"masked"}, "mirror": {"forward", "backward"}}
    assert {exam for exam in ("masked", "forward", "backward") if f"valid/{exam}/loss" in numbers} == exams[name]


def test_a_shift_beyond_the_row_is_one_sentence(settings: dict, tmp_path: Path) -> None:
    settings["objective"] = {"name": "mntp", "shift": 32}
    with pytest.raises(ValueError, match=r"^shift=32 reaches beyond rows of 32$"):
        Trainer(Config.of(settings), tmp_path / "run", show=False).train()
