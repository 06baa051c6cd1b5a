"""Positions that are stretched: what they are by hand, and that a model which reads longer rows can be trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch.testing import assert_close

from maskwright.data.pack import Pack
from maskwright.evaluate.suites import positions as suite
from maskwright.evaluate.suites._evaluate import evaluate_folder
from maskwright.evaluate.suites.positions import by_position, filled
from maskwright.evaluate.validation.exam_result import ExamResult
from maskwright.hub.export.run import export
from maskwright.models.transformers import Transformers
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.run.starting import stretch
from maskwright.settings import from_mapping
from maskwright.training.trainer import Trainer

from ..training.test_adapt import saved

SIZES: dict[str, Any] = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 32}
SHORT = ["training.batch_tokens=256", "evaluation.held_out=0.2", "training.compile=false", "training.epochs=null"]


@given(some.integers(2, 9), some.floats(1.5, 8), some.integers(1, 40))
def test_a_stretched_table_is_the_old_one_at_whole_places_and_between_elsewhere(rows, factor, longest) -> None:
    table = torch.arange(float(rows))[:, None] * torch.tensor([1.0, -2.0])
    found = stretch.interpolated(table, factor, longest)
    wanted = (torch.arange(longest) / factor).clamp(max=rows - 1)
    assert_close(found, wanted[:, None] * torch.tensor([1.0, -2.0]), atol=1e-4, rtol=1e-4)


@given(some.integers(2, 32), some.floats(1.1, 32))
def test_the_longest_wavelength_grows_by_the_factor_and_the_shortest_stays(half: int, factor: float) -> None:
    theta, width = 10_000.0, 2 * half
    steps = torch.arange(0, width, 2, dtype=torch.float64) / width
    before, after = (base**steps for base in (theta, stretch.raised(theta, factor, width)))
    assert_close(after[-1], before[-1] * factor)
    assert after[0] == before[0] == 1


def longer(source: Path, text: Path, *changes: str) -> Config:
    begin = [f"training.init_from={source}", f"corpus.files=[{text}]", "rows.length=64", *SHORT]
    return Config.load("adapt", [*begin, "training.stretch=2", "training.steps=2", *changes])


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "modernbert", "llama"])
def test_a_model_of_transformers_reads_longer_rows(family: str, text: Path, tmp_path: Path) -> None:
    config = longer(saved(family, text, tmp_path / "public", **SIZES), text)
    assert config.model.max_length == 64
    trainer = Trainer(config, tmp_path / "run", show=False)
    before = load(tmp_path / "public").model
    names = {
        name for name, _ in before.named_parameters() if name.endswith(("position_embeddings.weight", "wpe.weight"))
    }
    assert bool(names) == (family in ("bert", "roberta", "gpt2"))
    known = dict(before.named_parameters())
    for name, weight in trainer.model.named_parameters():
        if name in names:
            first = 1 if family == "roberta" else 0  # after the padding id
            assert_close(weight[first::2][:32], known[name][first:])
        else:
            assert_close(weight, known[name])
    if not names:
        bases = [
            some.get("rope_parameters") or {"rope_theta": some["rope_theta"]}  # before transformers 5
            for some in (config.model.options, load(tmp_path / "public").model_settings.options)
        ]
        here, there = (some.get("full_attention", some)["rope_theta"] for some in bases)
        assert here == pytest.approx(there * 2 ** (16 / 14))
        assert all(some.get("sliding_attention", {}).get("rope_theta", 1e4) == 1e4 for some in bases)
    run = trainer.train()
    assert run.model(torch.ones(1, 64, dtype=torch.int64)).shape == (1, 64, 32)
    export(run, tmp_path / "out")
    assert load(tmp_path / "out").model_settings.max_length == 64


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_a_run_reads_longer_rows_and_is_asked_by_position(positions: str, text: Path, tmp_path: Path, command) -> None:
    model = [f"model.{name}={value}" for name, value in SIZES.items()]
    first = [*model, f"model.positions={positions}", f"corpus.files=[{text}]", "tokenizer.size=300", "rows.length=16"]
    Trainer(Config([*first, *SHORT, "training.steps=10", "optimizer.lr=0.01"]), tmp_path / "first", show=False).train()
    config = longer(tmp_path / "first", text, "training.steps=8", "optimizer.lr=0.01")
    assert (config.model.max_length, config.model.theta > 10_000) == (64, positions == "rotary")
    assert Config.of(config.tree()) == config, "a config that was written is not stretched again"
    Trainer(config, tmp_path / "run", show=False).train()
    numbers = evaluate_folder("positions", tmp_path / "run", None)
    assert {name.split("/")[1] for name in numbers if name.startswith("after/") and name.endswith("/loss")} == {
        "0-7", "8-15", "16-31", "32-63"}  # fmt: skip
    assert numbers["change/32-63/loss"] == numbers["after/32-63/loss"] - numbers["before/32-63/loss"] != 0
    assert (
        len([name for name in evaluate_folder("positions", tmp_path / "run", None, ["bands=2"]) if "after" in name])
        == 7
    )
    pack = filled(load(tmp_path / "run").data.valid)
    tokens, document, word = (
        torch.empty(len(pack), 64, dtype=kind).numpy() for kind in (torch.int64, *[torch.int32] * 2)
    )
    pack.gather(torch.arange(len(pack)).numpy(), tokens, document, word)
    assert (document == 0).all()
    code, _, complaint = command("evaluate", tmp_path / "run", "positions", "device=cuda:7")
    assert code == 2
    assert "cuda:7" in complaint


def test_what_cannot_be_stretched_is_refused(text: Path, tmp_path: Path) -> None:
    public = saved("llama", text, tmp_path / "public", **SIZES)
    for change, sentence in (
        ("training.init_from=null", "stretch=2 is of the positions of training.init_from"),
        (f"evaluation.knew={text}", "a model before training.stretch does not read such rows; ask the suite positions"),
        ("training.stretch=1", "training.stretch=1"),
    ):
        with pytest.raises(ValueError, match=sentence):
            longer(public, text, change)
    with pytest.raises(ValueError, match="scaled already"):
        stretch.stretched(
            {"max_length": 8, "options": {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1.0}}}, 2, 9
        )
    with pytest.raises(ValueError, match="another model"):
        Trainer(longer(public, text, "model.options.vocab_size=301"), tmp_path / "run", show=False)


def test_a_wrong_beginning_is_found_before_the_text_is_tokenized(text: Path, tmp_path: Path) -> None:
    nowhere = f"corpus.files=[{tmp_path / 'nowhere.txt'}]"
    with pytest.raises(ValueError, match="missing holds no trained model"):
        Trainer(
            Config.load("adapt", [f"training.init_from={tmp_path / 'missing'}", nowhere]), tmp_path / "run", show=False
        )


def test_settings_that_say_no_positions_stay(settings: dict) -> None:
    model = {"name": "deberta", "hidden": 32, "heads": 2, "max_length": 64}
    assert stretch.stretched(model, 4, 128) == {**model, "max_length": 128}
    assert from_mapping(Transformers, {"architecture": "bert", **SIZES}, "model").max_length == 32


def test_a_band_rises_only_by_more_than_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight texts of 16 places: the second quarter is lower than the first, the last half higher by much or little."""
    place, text = np.tile(np.arange(16), 8), np.repeat(np.arange(8), 16)
    for more, wanted in ((1.0, 1.0), (0.01, 0.0)):
        loss = 2.0 + 0.05 * np.cos(7 * text) - (place >= 4) + more * (place >= 8)
        hit = np.ones(len(loss), bool)
        result = ExamResult(place, np.ones(len(loss)), text, loss, hit, hit, place)
        monkeypatch.setattr(suite, "take_exam", lambda *_, result=result: result)
        pack = Pack(None, None, 16, np.empty((0, 4)), np.zeros(1), np.zeros(2))  # type: ignore[arg-type]
        numbers = dict(by_position(torch.nn.Identity(), pack, None, 3))  # type: ignore[arg-type]
        assert numbers["rises"] == wanted
        assert [numbers[f"{band}/loss"] for band in ("0-3", "4-7", "8-15")] == pytest.approx(
            [loss[place < 4].mean(), loss[(place >= 4) & (place < 8)].mean(), loss[place >= 8].mean()]
        )
