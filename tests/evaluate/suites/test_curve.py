"""Several checkpoints give a learning curve."""

import json
import shutil

import pytest

from maskwright.evaluate.suites._evaluate import evaluate_folder, models, results_name
from maskwright.run.load import load


def test_checkpoints_are_rows_in_order(tmp_path) -> None:
    for name in ("chck_10M", "chck_9M", "chck_100K", "other"):
        (tmp_path / name / "final").mkdir(parents=True)
        (tmp_path / name / "final/model.json").write_text("{}")
    (tmp_path / "no_model").mkdir()
    assert list(models(tmp_path)) == ["other", "words/100000", "words/9000000", "words/10000000"]
    assert models(tmp_path / "other") == {}


def test_a_curve_has_the_headline_of_each_and_each_keeps_the_rest(trained, write, tmp_path) -> None:
    line = {"sentence_good": "It is.", "sentence_bad": "It are."}
    data = write("supplement_fast/a.jsonl", line, line | {"sentence_bad": "Is it the?"})
    for name in ("chck_1M", "chck_2M"):
        shutil.copytree(trained, tmp_path / "models" / name)
    numbers = evaluate_folder("blimp_supplement", tmp_path / "models", data, ["backend=causal"])
    alone = evaluate_folder("blimp_supplement", trained, data, ["backend=causal"])
    assert numbers["words/1000000/accuracy"] == numbers["words/2000000/accuracy"] == alone["accuracy"]
    assert "words/1000000/low" not in numbers
    name = results_name("blimp_supplement", data, ["backend=causal"])
    kept = json.loads((tmp_path / f"models/chck_1M/evaluations/{name}.json").read_text())
    assert kept == alone | {"weights": load(trained).weights, "rules": 2026}


def test_the_checkpoints_of_a_run_are_asked_as_its_end_is(trained, write) -> None:
    data = write("supplement_fast/a.jsonl", {"sentence_good": "It is.", "sentence_bad": "It are."})
    numbers = evaluate_folder("blimp_supplement", trained / "checkpoints", data)
    assert numbers.keys() >= {"step/2/accuracy", "step/4/accuracy"}
    assert numbers["step/4/accuracy"] == evaluate_folder("blimp_supplement", trained, data)["accuracy"]


def test_a_folder_without_models_is_none(tmp_path, write) -> None:
    data = write("supplement_fast/a.jsonl", {"sentence_good": "It is.", "sentence_bad": "It are."})
    with pytest.raises(ValueError, match="holds no trained model"):
        evaluate_folder("blimp_supplement", tmp_path, data)
