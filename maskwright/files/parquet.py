"""Columns of parquet files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from . import text
from .compression import blocks, named
from .errors import cut, listing

TEXTS = (pa.string(), pa.large_string(), pa.string_view(), pa.null())


def read_parquet(path: Path) -> pa.Table:
    """The whole table. Raises ValueError when it is damaged."""
    next(blocks(path), None)  # a clear error for Git LFS pointers and archives
    with named(path):
        table = pq.read_table(path)
        table.column_names  # noqa: B018  names are decoded now, so that damage is found here
    return table


def column_of_texts(path: Path, column: str, errors: text.Errors = "strict") -> Iterator[str | None]:
    """A column of texts, row by row, in bounded memory; None for nulls.

    Raises ValueError when the file is damaged, or the column is missing or not text.
    """
    next(blocks(path), None)
    with named(path), pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        if column not in names:
            raise ValueError(f"{path} has no column {column!r}: the columns are {listing(map(repr, names))}")
        check_text(file.schema_arrow.field(column).type, f"{path}: the column {column!r}")
        row = 0
        for batch in file.iter_batches(batch_size=256, columns=[column]):
            yield from _decoded(batch.column(0), errors, path, row)
            row += len(batch)


def check_text(kind: pa.DataType, what: str) -> None:
    """Raises ValueError, which begins with `what`, for a column of another type than text."""
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    if held not in TEXTS:
        raise ValueError(f"{what} holds {cut(str(kind), 40)}, not text")


def _decoded(column: Any, errors: text.Errors, path: Path, row: int) -> Iterator[str | None]:
    try:
        yield from column.to_pylist()
    except UnicodeDecodeError:
        for number, value in enumerate(column.cast(pa.large_binary()).to_pylist(), row + 1):
            try:
                yield None if value is None else value.decode("utf-8", errors)
            except UnicodeDecodeError:
                raise ValueError(f"{path}: row {number} is not UTF-8; errors=replace reads on") from None
