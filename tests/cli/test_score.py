"""`maskwright score`: tables in, tables out."""

import csv
import json
import logging
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from maskwright.evaluate.scoring.load import scorer


def test_a_column_of_a_table_is_scored_by_word_and_the_rest_carried_through(command, trained, tmp_path: Path) -> None:
    given, parquet, separated = (tmp_path / name for name in ("given.csv", "words.parquet", "tokens.csv"))
    given.write_text('item,sentence\n7,"A name, they say, is bound."\n8,The statement assigns values.\n')
    arguments = ("score", trained.path, given, "--column", "sentence", "--unit", "bits")
    assert command(*arguments, "--per", "word", "--out", parquet)[0] == 0
    words = pq.read_table(parquet).to_pydict()
    assert words["word"] == ["A", "name,", "they", "say,", "is", "bound.", "The", "statement", "assigns", "values."]
    assert words["item"] == ["7"] * 6 + ["8"] * 4
    assert all(share < 0 for share in words["log_frequency_bits"])
    assert command(*arguments, "--per", "token", "--out", separated)[0] == 0
    with separated.open(newline="") as file:
        tokens = list(csv.DictReader(file))
    assert "".join(row["characters"] for row in tokens if row["item"] == "7") == "A name, they say, is bound."
    assert sum(float(row["log_prob_bits"]) for row in tokens) == pytest.approx(sum(words["log_prob_bits"]), abs=1e-3)
    code, said, _ = command(*arguments, "--per", "text", "--json")
    assert code == 0
    texts = json.loads(said)["texts"]
    assert sum(row["log_likelihood_bits"] for row in texts) == pytest.approx(sum(words["log_prob_bits"]), abs=1e-3)
    code, _, complaint = command(*arguments, "--out", separated)
    assert (code, "exists already" in complaint) == (2, True)
    assert "warning: backend=causal: the model was trained with mlm" in command(*arguments, "--backend", "causal")[2]
    code, _, complaint = command(*arguments, "--out", tmp_path / "words.xlsx")
    assert (code, "tables are written as .csv" in complaint) == (2, True)


def test_pairs_are_printed_and_not_taken_apart(command, trained, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"sentence_good": "A name is.", "sentence_bad": "A name are."}\n')
    assert json.loads(command("score", trained.path, pairs, "--json")[1])["texts"][0]["likelier"]
    code, _, complaint = command("score", trained.path, pairs, "--per", "token")
    assert (code, "holds pairs" in complaint) == (2, True)


def test_a_backend_that_was_not_trained_for_is_warned_of(trained, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for backend in (None, "mlm", "mlm_word", "mlm_ahead", "mask_free", "own"):
            scorer(trained, backend)
        assert not caplog.messages
        scorer(trained, "causal")
    (said,) = caplog.messages
    assert "backend=causal: the model was trained with mlm" in said
    assert "mlm, mlm_word, mlm_ahead, mask_free" in said
