"""evaluate and score on the command line."""

import json

import pytest
from typer.testing import CliRunner

from maskwright.cli import app
from maskwright.evaluate.suites._evaluate import results_name
from maskwright.run.load import load

PAIR = {"sentence_good": "It is.", "sentence_bad": "It are.", "field": "f", "linguistics_term": "t", "UID": "one"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(app.app, "registered_commands", [])
    app.register()
    return lambda *arguments: CliRunner().invoke(app.app, [str(argument) for argument in arguments])


def test_blimp_as_json_as_a_table_and_as_a_figure(run, trained, write) -> None:
    data = write("blimp/one.jsonl", PAIR, PAIR | {"UID": "two"}, PAIR | {"UID": "two"})
    said = run("evaluate", trained, "blimp", "--data", data, "--limit", 1, "--paradigms", "two", "--json")
    numbers = json.loads(said.stdout)
    assert (numbers["items"], numbers["paradigm/two/items"]) == (1, 1)
    name = f"blimp,data={data.name},limit=1,paradigms=two"
    kept = json.loads((trained / f"evaluations/{name}.json").read_text())
    assert (kept.pop("weights"), kept.pop("rules")) == (load(trained).weights, 2026)
    assert kept == numbers
    assert "<svg" in (trained / f"plots/{name}.svg").read_text()
    said = run("evaluate", trained, "blimp", "per=token", "--data", data, "--backend", "causal")
    assert "paradigm/two" in said.stdout
    assert "95 %" in said.stdout
    complaint = run("evaluate", trained, "blimp", "--data", data, "--backend", "clm").exception
    assert str(complaint).startswith("no backend 'clm': did you mean 'mlm'")


def test_a_curve_is_drawn(run, trained, write) -> None:
    data = write("blimp/one.jsonl", PAIR)
    said = run("evaluate", trained / "checkpoints", "blimp", "--data", data)
    assert said.exit_code == 0, said.output
    assert (trained / f"checkpoints/plots/blimp,data={data.name}.svg").is_file()


def test_score_prints_what_it_was_given(run, trained, tmp_path) -> None:
    (texts := tmp_path / "a.txt").write_text("It is.\nIs it?\n")
    made = json.loads(run("score", trained, texts, "--json").stdout)
    assert made["backend"] == "mlm"
    assert [line["text"] for line in made["texts"]] == ["It is.", "Is it?"]
    assert all(line["per_token"] < 0 for line in made["texts"])
    assert "Is it?" in run("score", trained, texts, "--backend", "mlm_word").stdout


def test_another_backend_takes_no_place_of_the_first(run, trained, write) -> None:
    data = write("blimp/one.jsonl", PAIR)
    kept = {}
    for words in ([], ["--backend", "mlm_word"], ["per=token"], ["temperatures=[1, 2]"], ["batch_tokens=64"]):
        said = run("evaluate", trained, "blimp", "--data", data, "--json", *words)
        assert said.exit_code == 0, said.exception
        kept[results_name("blimp", data, [word.replace("mlm_word", "backend=mlm_word") for word in words[-1:]])] = (
            said.stdout
        )
    assert len(kept) == 4
    for name, numbers in kept.items():
        there = json.loads((trained / f"evaluations/{name}.json").read_text())
        assert there | json.loads(numbers) == pytest.approx(there)


def test_names_of_results_are_names_of_files() -> None:
    assert results_name("layers", None, []) == "layers"
    long = results_name("blimp", None, ["paradigms=" + ",".join(map(str, range(200)))])
    other = results_name("blimp", None, ["paradigms=" + ",".join(map(str, range(201)))])
    assert len(long) == len(other) < 140
    assert long != other
    assert "/" not in results_name("generation", None, ["scorer=/a/b/c", "options=[eta=0.1]"])
