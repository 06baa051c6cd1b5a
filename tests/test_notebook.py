"""The cells of docs/colab.ipynb run one after another, in an empty folder, on a small text."""

import ast
import json
from pathlib import Path

import pytest

import maskwright

NOTEBOOK = json.loads((Path(__file__).parents[1] / "docs" / "colab.ipynb").read_text(encoding="utf-8"))
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
SMALL = {"steps": 4, "batch_tokens": 1024, "compile": False, "precision": "fp32"}


def tagged(tag: str) -> list[str]:
    return ["".join(cell["source"]) for cell in CELLS if tag in cell["metadata"].get("tags", [])]


def test_the_cells_run(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    pytest.importorskip("transformers", reason="transformers is an extra")
    monkeypatch.chdir(tmp_path)
    given = {"TEXTS": [str(text)], "OBJECTIVE": "span", "TRAINING": SMALL}
    values = dict(given)
    for cell in CELLS:
        if not cell["metadata"].get("tags"):
            exec("".join(cell["source"]), values)
    assert values["run"].config.training.steps == 4
    assert maskwright.load("run").config.corpus == values["run"].config.corpus
    printed = capsys.readouterr().out
    assert "nats: The(" in printed
    assert "ModernBertForMaskedLM, native" in printed
    assert (tmp_path / "model" / "config.json").exists()


def test_what_a_reader_changes_is_one_cell_and_what_is_installed_another() -> None:
    (parameters,), (install,) = tagged("parameters"), tagged("install")
    names = {target.id for node in ast.parse(parameters).body for target in node.targets}  # type: ignore[attr-defined]
    assert names == {"TEXTS", "OBJECTIVE", "TRAINING"}
    assert [line.split()[0] for line in install.splitlines()] == ["SOURCE", "%pip"]


def test_nothing_that_was_printed_is_kept() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS)
