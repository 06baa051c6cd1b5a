"""`maskwright evaluate RUN layers`, as it is typed: a table, JSON, a figure, and numbers that stay with the run."""

import json
from pathlib import Path

import pytest

from maskwright.evaluate.suites import layers, validation
from maskwright.evaluate.suites._evaluate import evaluate_folder
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.training.trainer import Trainer

from .evaluating import said


@pytest.fixture
def run(settings: dict, tmp_path: Path) -> Path:
    settings["objective"] = {"name": "mirror", "p_bw": 0.5}
    settings["training"] |= {"steps": 14, "ema": 0.5}
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    return tmp_path / "run"


def test_layers_on_the_command_line(run: Path) -> None:
    numbers = json.loads(said(run, "layers", "--json"))
    kept = json.loads((run / "evaluations" / "layers.json").read_text())
    assert kept == numbers | {"weights": load(run).weights}
    assert numbers == layers.evaluate(load(run), None)
    final = json.loads((run / "final.json").read_text())
    for name in ("forward/loss", "backward/loss", "backward/accuracy"):
        assert numbers[f"layers/2/{name}"] == pytest.approx(final[f"valid/{name}"], abs=1e-6)
        assert numbers[f"layers/1/{name}"] != numbers[f"layers/2/{name}"]
    assert "<svg" in (run / "plots" / "layers.svg").read_text()
    shown = said(run, "layers")
    for row in ("1", "2"):
        (line,) = [line.split() for line in shown.splitlines() if line.split()[:1] == [row]]
        assert f"{numbers[f'layers/{row}/backward/loss']:,.4f}" in line


def test_a_checkpoint_is_evaluated_as_it_was_then(run: Path) -> None:
    last, before = (run / "checkpoints" / f"step-{step}" for step in (14, 7))
    assert layers.evaluate(load(last), None) == layers.evaluate(load(run), None)
    assert validation.evaluate(load(before), None)["loss"] > validation.evaluate(load(last), None)["loss"]


def test_what_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no trained model"):
        evaluate_folder("layers", tmp_path, None)
