"""evaluate and score on the command line."""

import json

import pytest
from typer.testing import CliRunner

from maskwright import cli

PAIR = {"sentence_good": "It is.", "sentence_bad": "It are.", "field": "f", "linguistics_term": "t", "UID": "one"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cli.app, "registered_commands", [])
    cli.register()
    return lambda *arguments: CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def test_blimp_as_json_as_a_table_and_as_a_figure(run, trained, write) -> None:
    data = write("blimp/one.jsonl", PAIR, PAIR | {"UID": "two"}, PAIR | {"UID": "two"})
    said = run("evaluate", trained, "blimp", "--data", data, "--limit", 1, "--paradigms", "two", "--json")
    numbers = json.loads(said.stdout)
    assert (numbers["items"], numbers["paradigm/two/items"]) == (1, 1)
    assert json.loads((trained / "evaluations/blimp.json").read_text()) == numbers
    assert "<svg" in (trained / "plots/blimp.svg").read_text()
    said = run("evaluate", trained, "blimp", "per=token", "--data", data, "--backend", "causal")
    assert "paradigm/two" in said.stdout
    assert "95 %" in said.stdout
    complaint = run("evaluate", trained, "blimp", "--data", data, "--backend", "clm").exception
    assert str(complaint).startswith("no backend 'clm': did you mean 'mlm'")


def test_a_curve_is_drawn(run, trained, write) -> None:
    data = write("blimp/one.jsonl", PAIR)
    said = run("evaluate", trained / "checkpoints", "blimp", "--data", data)
    assert said.exit_code == 0, said.output
    assert (trained / "checkpoints/plots/blimp.svg").is_file()


def test_score_prints_what_it_was_given(run, trained, tmp_path) -> None:
    (texts := tmp_path / "a.txt").write_text("It is.\nIs it?\n")
    made = json.loads(run("score", trained, texts, "--json").stdout)
    assert made["backend"] == "mlm"
    assert [line["text"] for line in made["texts"]] == ["It is.", "Is it?"]
    assert all(line["per_token"] < 0 for line in made["texts"])
    assert "Is it?" in run("score", trained, texts, "--backend", "mlm_word").stdout
