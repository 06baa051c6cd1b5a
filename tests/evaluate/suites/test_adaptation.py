"""Before and after adaptation, on the domain and on what was known, and the ways in which new tokens begin."""

import json
from pathlib import Path

import pytest
import torch

from maskwright.evaluate.suites._evaluate import evaluate_folder
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

SHORT = ["rows.length=32", "training.batch_tokens=1024", "evaluation.held_out=0.2", "training.compile=false"]


@pytest.fixture
def adapted(trained: Path, text: Path, tmp_path: Path):
    def made(*changes: str) -> Path:
        begin = [f"training.init_from={trained}", f"corpus.files=[{text}]", *SHORT, "training.epochs=null"]
        config = Config.load("adapt", [*begin, "training.steps=25", "optimizer.lr=0.01", *changes])
        Trainer(config, tmp_path / "run", show=False).train()
        return tmp_path / "run"

    return made


def test_the_domain_gets_better_and_what_was_known_is_asked_too(adapted, tmp_path) -> None:
    (tmp_path / "general.txt").write_text("It rained all day in the hills.\n\nNobody had asked for a map.\n" * 40)
    numbers = evaluate_folder("adaptation", adapted(), tmp_path / "general.txt")
    assert numbers["domain/after/loss"] < numbers["domain/before/loss"] - 0.2
    for text in ("domain", "general"):
        for name in ("loss", "accuracy", "bits_per_byte"):
            change = numbers[f"{text}/after/{name}"] - numbers[f"{text}/before/{name}"]
            assert numbers[f"{text}/change/{name}"] == pytest.approx(change)
    assert not any(name.startswith("start/") for name in numbers)


def test_replay_is_a_share_of_every_epoch_and_each_text_has_its_numbers(adapted, text, tmp_path) -> None:
    days = [f"It rained all day in the hills, and nobody had asked for map {number}." for number in range(60)]
    (tmp_path / "general.txt").write_text("\n\n".join(days))
    corpus = f"corpus.files=[{text},{tmp_path / 'general.txt'}]"
    run = adapted(corpus, "order.name=mixed", "order.shares={topics: 4, general: 1}", "training.steps=50")
    numbers = evaluate_folder("adaptation", run, None)
    for name in ("topics", "general"):
        assert numbers[f"domain/change/{name}/loss"] < -0.1
    sizes = [numbers[f"domain/after/{name}loss"] for name in ("topics/", "", "general/")]
    assert sorted(sizes) in (sizes, sizes[::-1]), "the whole lies between its parts"
    assert not [name for name in numbers if name.count("/") > 3]


def test_new_tokens_begin_better_by_their_pieces_and_step_0_is_what_training_begins_with(adapted, trained) -> None:
    run = adapted("tokenizer.kind=bpe", "tokenizer.size=460")
    numbers = evaluate_folder("adaptation", run, None)
    assert numbers["start/pieces/loss"] != numbers["start/mean/loss"] != numbers["start/random/loss"]
    assert "start/pieces/loss" not in evaluate_folder("adaptation", run, None, ["starts=false"])
    assert (trained / "final").is_dir()


def test_a_run_that_began_at_random_has_no_before(trained) -> None:
    with pytest.raises(ValueError, match=r"began with random weights: adaptation is of runs with training\.init_from"):
        evaluate_folder("adaptation", trained, None)


def test_the_device_of_adaptation_is_the_one_asked_for(adapted, monkeypatch) -> None:
    run = adapted()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="this machine has 1 GPUs"):
        evaluate_folder("adaptation", run, None, ["device=cuda:1"])


def test_one_command_trains_and_compares(trained, text, tmp_path, command) -> None:
    begin = [f"training.init_from={trained}", f"corpus.files=[{text}]", *SHORT, "training.epochs=0.1"]
    code, out, error = command("train", "adapt", *begin, f"evaluation.knew={text}", "--out", str(tmp_path / "run"))
    assert code == 0, error
    assert "general/change/bits_per_byte" in out
    (kept,) = (tmp_path / "run/evaluations").glob("adaptation*.json")
    assert "domain/before/loss" in json.loads(kept.read_text())
