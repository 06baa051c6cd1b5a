"""What a run refuses, each with one sentence that names the option, the value and what would be right."""

import errno
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from maskwright.run import checkpoint
from maskwright.run.config import Config
from maskwright.storage import sealed
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
    for device in ("mps", "gpu"):
        said = refused(settings, tmp_path, f"training.device={device}")
        assert f"training.device='{device}': give auto, cpu, cuda" in said


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


def test_what_does_not_change_the_run_may_change(
    settings: dict, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    interrupted(Config.of(settings), tmp_path / "run", 7)
    for name in ("moved.txt", "other.txt"):
        (tmp_path / name).write_text(text.read_text().replace("the", "teh" if name == "other.txt" else "the"))
    changes = {
        "training.micro_batch_tokens=256": "micro_batch_tokens is None there and 256 now",
        "training.device=cpu": "training.device is 'auto' there and 'cpu' now",
        "training.activation_checkpointing=true": "",
        "training.timeout=9": "",
        f"corpus.files=[{tmp_path / 'moved.txt'}]": "",
    }
    for change, told in changes.items():
        capsys.readouterr()
        assert Trainer(Config.of(settings, change), tmp_path / "run", resume=True, show=False).step == 7
        said = capsys.readouterr().err
        assert told in said
        assert ("bits may differ" in said) == bool(told)
    sentence = refused(settings, tmp_path / "run", f"corpus.files=[{tmp_path / 'other.txt'}]", resume=True)
    assert "was trained on different text" in sentence
    assert "corpus.files is" in sentence


STAGES = ({"objective": "span", "patience": 2}, {"objective": "mlm"})


@pytest.mark.parametrize(
    ("objective", "counts"),
    [
        ({"name": "mlm"}, False),
        ({"name": "adaptive"}, False),
        ({"name": "diffusion", "frequency": 0.02}, False),
        ({"name": "staged"}, False),
        ({"name": "staged", "stages": STAGES}, True),
        ({"name": "hybrid", "masked": {"name": "staged", "stages": STAGES}}, True),
    ],
)
def test_the_number_of_validations_counts_where_they_decide(
    settings: dict, tmp_path: Path, objective: dict, counts: bool
) -> None:
    settings["objective"] = objective
    settings["training"] |= {"steps": 1}
    config = Config.of(settings)
    trainer = Trainer(config, tmp_path / "run", show=False)
    trainer._save()
    if counts:
        sentence = refused(settings, tmp_path / "run", "evaluation.every=5", resume=True)
        assert "evaluation.every is 20 there and 5 now" in sentence
    else:
        Trainer(config.replace("evaluation.every=5"), tmp_path / "run", resume=True, show=False)


@pytest.mark.parametrize(
    ("place", "name", "other"),
    [("versions", "torch", "0.1"), ("machine", "threads", 99), ("machine", "products", "bfloat16"),
     ("machine", "attention", "by hand"), ("machine", "inference", "by hand"), ("machine", "newton_schulz", "float16")],
)  # fmt: skip
def test_other_versions_and_threads_are_said(
    settings: dict, tmp_path: Path, place: str, name: str, other: object, capsys: pytest.CaptureFixture
) -> None:
    config = Config.of(settings)
    Trainer(config, tmp_path / "run", show=False)._save()
    Trainer(config, tmp_path / "run", resume=True, show=False)
    assert "bits may differ" not in capsys.readouterr().err
    edit(tmp_path / "run" / "checkpoints" / "step-0", {place: {name: other}})
    Trainer(config, tmp_path / "run", resume=True, show=False)
    said = capsys.readouterr().err
    assert "bits may differ" in said
    assert f"{name} is {other!r} there" in said


def edit(checkpoint: Path, facts: dict) -> None:
    """Other facts in the state of a checkpoint, sealed as if it had been written with them."""
    path = checkpoint / "state.json"
    state = json.loads(path.read_text()) | facts
    sealed.write(path, {name: fact for name, fact in state.items() if name != sealed.SEAL})


def test_where_no_checkpoint_opens_nothing_is_begun_anew(settings: dict, tmp_path: Path) -> None:
    interrupted(Config.of(settings), out := tmp_path / "run", 14)
    for path in out.glob("checkpoints/*"):
        edit(path, {"format": 99})
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    sentence = refused(settings, out, "training.checkpoint_every=4", resume=True)
    assert "none of the 2 checkpoints" in sentence
    assert "step-14 is no checkpoint of this version" in sentence
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
