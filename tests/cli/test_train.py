"""What `maskwright train` takes for granted."""

import json
from pathlib import Path

import pytest

SMALL = ["model.hidden=16", "model.intermediate=24", "training.steps=2", "training.batch_tokens=256"]


@pytest.fixture
def begun(command, text: Path, tmp_path: Path) -> Path:
    """A run whose second step is missing."""
    out = tmp_path / "run"
    files = [f"corpus.files=[{text}]", "tokenizer.size=300", "training.checkpoint_every=1"]
    assert command("train", "quickstart", *files, *SMALL, "--out", out, "--quiet")[0] == 0
    for rest in ("final", "final.json", "checkpoints/step-2"):
        (out / rest).rename(out.with_name(rest.replace("/", "-")))
    return out


@pytest.mark.parametrize("changes", [[], SMALL])
def test_a_resumed_run_need_not_name_its_recipe(command, begun: Path, changes: list[str]) -> None:
    assert command("train", "--resume", *changes, "--out", begun, "--quiet")[0] == 0
    resumed, whole = (json.loads((place / "final.json").read_text()) for place in (begun, begun.parent))
    assert resumed["valid/loss"] == whole["valid/loss"]


@pytest.mark.parametrize(("words", "said"), [
    ([], "give one"), (["training.steps=2"], "give one"), (["--resume"], "run holds no run to resume; give one"),
])  # fmt: skip
def test_another_run_has_to(command, tmp_path: Path, words: list[str], said: str) -> None:
    code, _, complaint = command("train", *words, "--out", tmp_path / "run")
    assert (code, said in " ".join(complaint.replace("│", " ").split())) == (2, True)
