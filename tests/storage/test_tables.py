"""What a table holds, in every kind of file that it is written to."""

import csv
import json
import os
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from maskwright.evaluate.suites._evaluate import evaluate_folder
from maskwright.storage.tables import check_name, write_columns

DAY = date(2024, 2, 29)
COLUMNS = {"mixed": [1, "x"], "nested": [{"a": [1]}, None], "plain": ["a", "b"], "flag": [True, 2], "day": [DAY, DAY]}


def test_a_column_of_several_kinds_is_text_in_a_table_and_itself_in_json(tmp_path: Path) -> None:
    paths = [tmp_path / f"t{kind}" for kind in (".csv", ".parquet", ".json")]
    for path in paths:
        write_columns(path, COLUMNS)
    with paths[0].open(newline="") as file:
        first, second = csv.DictReader(file)
    flat = {"mixed": "1", "nested": '{"a": [1]}', "plain": "a", "flag": "true"}
    assert first == flat | {"day": "2024-02-29"}
    assert second["nested"] == ""
    assert pq.read_table(paths[1]).to_pylist()[0] == flat | {"day": DAY}
    assert json.loads(paths[2].read_text())[0] == {
        "mixed": 1, "nested": {"a": [1]}, "plain": "a", "flag": True, "day": "2024-02-29",
    }  # fmt: skip


def test_a_place_that_is_read_only_is_refused_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda place, how: False)
    for what in (
        lambda: check_name(tmp_path / "new" / "scores.csv"),
        lambda: evaluate_folder("validation", tmp_path / "run", None),
    ):
        with pytest.raises(ValueError, match="is read-only; choose another place"):
            what()
