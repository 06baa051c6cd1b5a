"""A run learns, goes on where it was, and does not depend on how its batches are split."""

import json
import re
from pathlib import Path

import pytest
import torch

import maskwright
from maskwright.evaluate.suites.validation import evaluate
from maskwright.run import checkpoint, saved
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.run.metrics_log import read_lines
from maskwright.settings.registry import names
from maskwright.training.trainer import Trainer

TIMES = ("seconds", "tokens_per_second", "mfu")


def losses(out: Path) -> list[dict]:
    """The metrics of a run without what depends on the clock."""
    return [
        {name: number for name, number in line.items() if name not in TIMES}
        for line in read_lines(out / "metrics.jsonl")
    ]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return saved.load(out)[0].state_dict()


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_a_run_learns_and_leaves_what_it_promises(settings: dict, tmp_path: Path) -> None:
    settings["training"]["steps"] = 80
    config = Config.of(settings)
    numbers = Trainer(config, tmp_path / "run", show=False).train().metrics
    lines = read_lines(tmp_path / "run" / "metrics.jsonl")
    assert numbers["valid/loss"] < numbers["valid/unigram/loss"]
    assert [line["loss"] for line in lines if "loss" in line][-1] < lines[0]["loss"] - 0.5
    assert json.loads((tmp_path / "run" / "final.json").read_text()) == numbers
    assert Config.load(tmp_path / "run").tree() == config.tree()
    run = maskwright.load(tmp_path / "run")
    model, tokenizer = run.model, run.tokenizer
    assert not model.training
    assert tokenizer.vocabulary.size == 404
    promised = {"step", "epoch", "tokens", "words", "loss", "lr", "mask_ratio", "tokens_per_second", "mfu"}
    assert promised <= lines[0].keys()
    assert abs(sum(line["mask_ratio"] for line in lines if "loss" in line) / 80 - 0.15) < 0.002


@pytest.mark.parametrize("optimizer", ["adamw", "lamb", "muon"])
@pytest.mark.parametrize("stop", [7, 21])
def test_a_resumed_run_is_the_unbroken_run(settings: dict, tmp_path: Path, optimizer: str, stop: int) -> None:
    settings["optimizer"] = {"name": optimizer}
    settings["model"]["dropout"] = 0.1
    settings["training"] |= {"average": 0.6, "micro_batch_tokens": 512}
    config = Config.of(settings)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    Trainer(config, whole, show=False).train()
    interrupted(config, broken, stop)
    resumed = Trainer(config, broken, resume=True, show=False)
    assert resumed.step == stop
    resumed.train()
    assert losses(whole) == losses(broken)
    assert same(weights(whole), weights(broken))


def test_a_checkpoint_from_before_an_option_was_there_goes_on(settings: dict, tmp_path: Path) -> None:
    state = Trainer(Config.of(settings | {"optimizer": {"name": "muon"}}), tmp_path, show=False).state
    tensors, facts = state.saved()
    groups = facts["optimizer"]["param_groups"]
    older = [{name: value for name, value in group.items() if name != "cautious_decay"} for group in groups]
    state.restore(tensors, facts | {"optimizer": facts["optimizer"] | {"param_groups": older}})
    assert [group["cautious_decay"] for group in state.optimizer.param_groups] == [False] * len(groups)


def interrupted(config: Config, out: Path, stop: int) -> None:
    """A run that ends without a word after its checkpoint at step `stop`."""

    class Cut(Exception):
        pass

    class Until(Trainer):
        def _save(self) -> None:
            super()._save()
            if self.step == stop:
                raise Cut

    with pytest.raises(Cut):
        Until(config, out, show=False).train()


def test_a_truncated_checkpoint_is_passed_over(config: Config, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    Trainer(config, whole, show=False).train()
    interrupted(config, broken, 21)
    damaged = broken / "checkpoints" / "step-21" / "optimizer.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    resumed = Trainer(config, broken, resume=True, show=False)
    assert resumed.step == 14
    assert "step-21 is damaged: optimizer.safetensors" in " ".join(capsys.readouterr().err.split())
    resumed._save()
    assert checkpoint.steps(broken / "checkpoints") == [14]
    resumed.train()
    assert losses(whole) == losses(broken)
    assert same(weights(whole), weights(broken))


def test_a_model_is_not_judged_by_other_text(settings: dict, text: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text(text.read_text())
    settings["corpus"]["files"] = [str(own)]
    settings["training"]["steps"] = 3
    numbers = Trainer(Config.of(settings), tmp_path / "run", show=False).train().metrics
    assert evaluate(load(tmp_path / "run"), None)["loss"] == pytest.approx(numbers["valid/loss"], abs=1e-9)
    own.write_text(text.read_text().replace("the", "teh"))
    with pytest.raises(ValueError, match="was trained on other text"):
        evaluate(load(tmp_path / "run"), None)


def test_a_damaged_model_is_one_sentence(settings: dict, tmp_path: Path) -> None:
    settings["training"]["steps"] = 3
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    weight = tmp_path / "run" / "final" / "model.safetensors"
    weight.write_bytes(weight.read_bytes()[:500])
    with pytest.raises(ValueError, match="final is damaged"):
        maskwright.load(tmp_path / "run")


def test_micro_batches_add_up_to_the_batch(settings: dict, tmp_path: Path) -> None:
    runs = {}
    for micro in (None, 96, 512):
        settings["training"] |= {"steps": 5, "micro_batch_tokens": micro}
        Trainer(Config.of(settings), tmp_path / str(micro), show=False).train()
        runs[micro] = [line["loss"] for line in read_lines(tmp_path / str(micro) / "metrics.jsonl") if "loss" in line]
    assert runs[96] == pytest.approx(runs[None], abs=2e-4)
    assert runs[512] == pytest.approx(runs[None], abs=2e-4)


@pytest.mark.parametrize("objective", [{"name": "learned"}, {"name": "mirror", "p_bw": "adapt"}])
def test_what_is_learned_does_not_depend_on_micro_batches(settings: dict, tmp_path: Path, objective: dict) -> None:
    settings["objective"] = objective
    settings["training"]["steps"] = 2
    states = []
    for micro in (None, 96):
        settings["training"]["micro_batch_tokens"] = micro
        trainer = Trainer(Config.of(settings), tmp_path / str(micro), show=False)
        for rows in trainer.data.loader.batches(0, 2):
            trainer.update(rows)
        states.append(trainer.objective.state_dict())
    for name, whole in states[0].items():
        assert torch.allclose(states[1][name].double(), whole.double(), atol=1e-5), name


@pytest.mark.parametrize("objective", names("objectives"))
def test_every_objective_trains(settings: dict, tmp_path: Path, objective: str) -> None:
    settings["objective"], settings["training"]["steps"] = {"name": objective}, 30
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    lines = [line["loss"] for line in read_lines(tmp_path / "run" / "metrics.jsonl") if "loss" in line]
    assert sum(lines[-5:]) < sum(lines[:5])


def test_a_curriculum_keeps_tokens_and_changes_rows(settings: dict, tmp_path: Path) -> None:
    settings["rows"]["length"] = "0:16,1:32"
    trainer = Trainer(Config.of(settings), tmp_path / "run", show=False)
    shapes = [tuple(rows.tokens.shape) for rows in trainer.data.loader.batches(0, 40)]
    assert shapes[0] == (64, 16)
    assert shapes[-1] == (32, 32)
    trainer.train()
    epochs = [line["epoch"] for line in read_lines(tmp_path / "run" / "metrics.jsonl") if "epoch" in line]
    assert epochs == sorted(epochs)


@pytest.mark.parametrize(
    "order", [{"name": "mixed", "shares": {"topics": "0:1,1:2"}}, {"name": "easy_first", "levels": 3, "epochs": 1}]
)
def test_an_order_is_resumed_like_any(settings: dict, tmp_path: Path, order: dict) -> None:
    config, whole, broken = Config.of(settings | {"order": order}), tmp_path / "whole", tmp_path / "broken"
    trainer = Trainer(config, whole, show=False)
    assert config.order.describe(trainer.data.loader.stages[0].pack.groups) in trainer.describe()
    trainer.train()
    interrupted(config, broken, 14)
    Trainer(Config.load(broken), broken, resume=True, show=False).train()
    assert losses(whole) == losses(broken)
    assert same(weights(whole), weights(broken))


@pytest.mark.parametrize(("length", "wanted"), [({"epochs": 1.0}, None), ({"tokens": 5000}, 5)])
def test_a_run_may_be_given_in_epochs_or_tokens(
    settings: dict, tmp_path: Path, length: dict, wanted: int | None
) -> None:
    settings["training"] = {"batch_tokens": 1024, **length}
    trainer = Trainer(Config.of(settings), tmp_path / "run", show=False)
    assert trainer.steps == (wanted or -(-len(trainer.data.loader.stages[0].pack) // 32))


def test_time_can_end_a_run(settings: dict, tmp_path: Path) -> None:
    settings["training"]["minutes"] = 1e-6
    assert Trainer(Config.of(settings), tmp_path / "run", show=False).train().metrics["step"] == 1


def test_the_average_is_what_is_kept(settings: dict, tmp_path: Path) -> None:
    settings["training"] |= {"steps": 10, "ema": 0.9}
    trainer = Trainer(Config.of(settings), tmp_path / "run", show=False)
    trainer.train()
    kept = weights(tmp_path / "run")
    last = dict(trainer.model.named_parameters())
    assert all(torch.equal(kept[name], trainer.state.averages["ema"].weights[name]) for name in last)
    assert not all(torch.equal(kept[name], last[name]) for name in last)


@pytest.mark.parametrize(("steps", "told"), [(1, "= 0.0[1-9] epochs"), (400, r"= \d+\.\d epochs")])
def test_the_smallest_share_of_an_epoch_is_told(settings: dict, tmp_path: Path, steps: int, told: str) -> None:
    settings["training"]["steps"] = steps
    assert re.search(told, Trainer(Config.of(settings), tmp_path, show=False).describe())
