"""What a table holds, in every kind of file that it is written to."""

import csv
import json
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from maskwright.storage.tables import write_columns

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
