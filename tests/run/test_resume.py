"""What a run refuses, each with one sentence that names the option, the value and what would be right."""

import errno
from pathlib import Path

import pytest
import safetensors.torch
import torch

from maskwright.run import checkpoint
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from ..training.test_trainer import interrupted, losses, same, weights


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"objective": {"name": "mlm", "ratoi": 0.2}}, "unknown key objective.ratoi: did you mean 'ratio'?"),
        ({"objective": {"name": "mlm", "ratio": 1.5}}, "objective.ratio"),
        ({"objective": {"name": "mlm", "random_prob": 0.8, "keep_prob": 0.4}}, "random_prob + keep_prob = 1.2"),
        ({"objective": {"name": "spam"}}, "no objective 'spam': did you mean 'span'?"),
        ({"training": {"steps": "many"}}, "training.steps='many'"),
        ({"training": {}}, "exactly one of training.steps"),
        ({"rows": {"length": "64:0"}}, "rows.length='64:0'"),
        ({"rows": {"length": 128}}, "rows.length=128 is over the model's max_length=64"),
        (
            {"training": {"steps": 1, "batch_tokens": 16}},
            "training.batch_tokens=16: a batch holds at least a row of 32",
        ),
        ({"objective": {"name": "mlm", "ratio": {"start": 0.4, "end": 7}}}, "less than 1"),
        ({"modle": {}}, "unknown section modle: did you mean 'model'?"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(settings: dict, change: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".*") as refused:
        Config.of(settings | change)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def refused(settings: dict, out: Path, *overrides: str, resume: bool = False) -> str:
    with pytest.raises(ValueError, match=r".*") as error:
        Trainer(Config.of(settings, overrides), out, resume=resume, show=False)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_gpu_that_is_not_there_is_refused(settings: dict, tmp_path: Path) -> None:
    assert "training.device='cuda': this machine has 0 GPUs" in refused(settings, tmp_path, "training.device=cuda")


def test_an_empty_corpus_is_refused(settings: dict, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n\n")
    assert "empty.txt" in refused(settings, tmp_path / "run", f"corpus.files=[{tmp_path / 'empty.txt'}]")
    assert "nowhere" in refused(settings, tmp_path / "run", f"corpus.files=[{tmp_path / 'nowhere'}]")


def test_another_runs_folder_is_refused(settings: dict, tmp_path: Path) -> None:
    interrupted(Config.of(settings), tmp_path / "run", 7)
    assert "already holds a run" in refused(settings, tmp_path / "run")
    sentence = refused(settings, tmp_path / "run", "model.hidden=48", resume=True)
    assert "model.hidden is 32 there and 48 now" in sentence


def test_a_full_disk_loses_nothing(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Trainer(config, tmp_path / "whole", show=False).train()
    save, saved = safetensors.torch.save_file, []

    def full(tensors: dict, path: Path) -> None:
        if len(saved) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(path)
        save(tensors, path)

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "save_file", full)
        with pytest.raises(ValueError, match="the disk is full"):
            Trainer(config, tmp_path / "run", show=False).train()
    assert checkpoint.steps(tmp_path / "run" / "checkpoints") == [7]
    assert not list((tmp_path / "run" / "checkpoints").glob(".*"))
    Trainer(config, tmp_path / "run", resume=True, show=False).train()
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_a_loss_that_is_not_finite_ends_the_run(settings: dict, tmp_path: Path) -> None:
    settings["optimizer"] = {"name": "adamw", "lr": 1e12}
    with pytest.raises(ValueError, match=r"lower optimizer\.lr"):
        Trainer(Config.of(settings), tmp_path / "run", show=False).train()
