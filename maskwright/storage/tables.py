"""Columns written as a table, by the name of the file: .csv, .tsv, .parquet, .json (an array of objects), .jsonl."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .atomic import atomic_write, check_writable

Columns = Mapping[str, Sequence[Any]]
"""Values by column; None where there is none."""


def check_name(path: Path) -> None:
    """Raises ValueError when no table can be written to `path`: its kind is unknown, it exists already, or its folder
    is read-only."""
    if path.suffix.lower() not in KINDS:
        raise ValueError(f"{path}: tables are written as {', '.join(KINDS)}")
    if path.exists():
        raise ValueError(f"{path} exists already: name another file, or move it away")
    check_writable(path)


def write_columns(path: Path, columns: Columns) -> None:
    """Write the table whole or not at all. Raises ValueError as `check_name` does."""
    check_name(path)
    atomic_write(path, KINDS[path.suffix.lower()](columns))


def rows(columns: Columns) -> Iterator[dict[str, Any]]:
    """Each row, by column."""
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _of_one_kind(values: Sequence[Any]) -> list[Any]:
    """A column for a table that is no JSON: one with lists, objects or several kinds is text, as JSON writes them."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or len(kinds - {dict, list}) == len(kinds) == 1:
        return list(values)
    return [value if value is None or isinstance(value, str) else _json(value) for value in values]


def _separated(columns: Columns, delimiter: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([list(columns), *zip(*map(_of_one_kind, columns.values()), strict=True)])
    return text.getvalue()


def _parquet(columns: Columns) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({name: pa.array(_of_one_kind(values)) for name, values in columns.items()}), sink)
    return sink.getvalue().to_pybytes()


_json = partial(json.dumps, ensure_ascii=False, default=str)
"""Dates and whatever else JSON has no form for are text."""
KINDS: dict[str, Callable[[Columns], str | bytes]] = {
    ".csv": partial(_separated, delimiter=","),
    ".tsv": partial(_separated, delimiter="\t"),
    ".parquet": _parquet,
    ".json": lambda columns: _json(list(rows(columns)), indent=1),
    ".jsonl": lambda columns: "".join(_json(row) + "\n" for row in rows(columns)),
}
"""Kind of file to the content that holds the columns."""
