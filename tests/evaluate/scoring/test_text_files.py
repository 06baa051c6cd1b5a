"""Files of texts, and what is said of them."""

import json
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskwright.evaluate.scoring.backends import choose
from maskwright.evaluate.scoring.scorer import Scorer
from maskwright.evaluate.scoring.text_files import Item, items, likelihoods


@pytest.fixture
def scorer(judged) -> Scorer:
    return Scorer(judged.model, judged.tokenizer, choose("causal", None)[1])


def test_lines_and_objects_are_texts(tmp_path, scorer) -> None:
    plain, lines = tmp_path / "a.txt", tmp_path / "a.jsonl"
    plain.write_text("A name is bound.\nÜber.\n")
    lines.write_text('{"text": "A name is bound."}\n{"text": "Über."}\n')
    assert items(plain) == items(lines) == [Item(("A name is bound.",)), Item(("Über.",))]
    first, second = likelihoods(scorer, [item.texts for item in items(plain)])
    assert first["per_token"] == pytest.approx(first["log_likelihood"] / first["tokens"])
    assert second["bytes"] == 6
    assert second["per_byte"] == pytest.approx(second["log_likelihood"] / 6)


def test_of_a_pair_one_is_likelier_unless_they_are_the_same(tmp_path, scorer) -> None:
    path = tmp_path / "pairs.jsonl"
    pairs = [("A name is bound.", "A name are bound."), ("A name are bound.", "A name is bound."), ("It.", "It.")]
    path.write_text("\n".join(json.dumps({"sentence_good": good, "sentence_bad": bad}) for good, bad in pairs))
    found = likelihoods(scorer, [item.texts for item in items(path)])
    one, other, same = (line["likelier"] for line in found)
    assert {one, other} == {"sentence_good", "sentence_bad"}
    assert same == "neither"
    best = max(("sentence_good", "sentence_bad"), key=lambda name: found[0][name]["log_likelihood"])
    assert best == one
    assert np.isfinite(found[0][one]["per_byte"])


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.txt", "one\n\ntwo\n", r"a\.txt:2: there is no text"),
        ("a.txt", "", r"a\.txt is empty: it holds no texts"),
        ("a.csv", "id,sentence\n1,a\n", r"a\.csv:1: no column 'text': name another by --column: 'id', 'sentence'"),
        ("a.tsv", "id\ttext\n1\ta\n2\t \n", r"a\.tsv:3: there is no text"),
        ("a.jsonl", '{"text": "a"}\n{"txt": "b"}\n', r"a\.jsonl:2: no field 'text': there is 'txt'"),
        ("a.jsonl", '{"sentence_good": "a"}\n', r"a\.jsonl:1: no field 'sentence_bad'"),
    ],
)
def test_a_line_without_a_text_is_named(tmp_path, name, content, complaint) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=complaint):
        items(path)


def test_a_column_holds_the_texts_and_the_others_come_along(tmp_path) -> None:
    table, lines, plain = (tmp_path / name for name in ("a.tsv", "a.jsonl", "a.txt"))
    table.write_text("rt\tsentence\n312.5\tA name.\n")
    lines.write_text('{"sentence": "A name.", "rt": 312.5}\n')
    plain.write_text("A name.\n")
    assert items(table, "sentence") == [Item(("A name.",), {"rt": "312.5"})]
    assert items(lines, "sentence") == [Item(("A name.",), {"rt": 312.5})]
    with pytest.raises(ValueError, match=r"a\.txt has no columns"):
        items(plain, "sentence")
    with pytest.raises(ValueError, match=r"a\.tsv:1: no column 'text'"):
        items(table, "text")


def test_a_column_of_parquet_holds_the_texts(tmp_path) -> None:
    path = tmp_path / "a.parquet"
    day = date(2024, 2, 29)
    pq.write_table(pa.table({"sentence": ["A name.", None], "day": [day, day], "n": [1, 2]}), path)
    with pytest.raises(ValueError, match=r"a\.parquet: no column 'text': name another by --column: 'sentence', 'day'"):
        items(path)
    with pytest.raises(ValueError, match=r"the column 'n' holds int64, not text"):
        items(path, "n")
    with pytest.raises(ValueError, match=r"a\.parquet:2: there is no text"):
        items(path, "sentence")
    pq.write_table(pq.read_table(path).slice(0, 1), path)
    assert items(path, "sentence") == [Item(("A name.",), {"day": day, "n": 1})]
