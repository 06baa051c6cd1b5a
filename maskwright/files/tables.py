"""Tables of text with a header: .csv, .tsv."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path

from . import text
from .errors import cut, listing, short_repr

csv.field_size_limit(2**31 - 1)  # process-wide, 128 KiB by default

MISSING = ("", "NA", "NaN", "nan")
"""Cells that count as missing numbers."""


@dataclass(frozen=True)
class Row:
    """A row, by column name."""

    path: Path
    line: int
    """The line it begins in, from 1."""
    cells: Mapping[str, str]

    @property
    def place(self) -> str:
        """File and line, as they begin a message."""
        return f"{self.path}:{self.line}"

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def number(self, column: str) -> float:
        """The number in a cell, NaN where it is missing. Raises ValueError when it is not a number."""
        written = self.cells[column].strip()
        try:
            found = nan if written in MISSING else float(written)
        except ValueError:
            found = float("inf")
        if not isfinite(found) and written not in MISSING:
            raise ValueError(f"{self.place}: {column}={short_repr(written)} is not a number; write NA if it is missing")
        return found

    def whole(self, column: str) -> int:
        """The whole number in a cell. Raises ValueError when it is not one."""
        found = self.number(column)
        if not found.is_integer():
            raise ValueError(f"{self.place}: {column}={short_repr(self.cells[column])} is not a whole number")
        return int(found)


def rows(path: Path, columns: Iterable[str] = (), delimiter: str = ",", quotes: bool = True) -> Iterator[Row]:
    """The rows below the header; empty rows are skipped.

    columns: required ones. quotes: whether cells may be in double quotes.
    Raises ValueError, with file and line, when a column is missing or occurs twice, and when a row has fewer or more
    cells than the header.
    """
    records = _records(path, delimiter, quotes)
    _, header = next(records, (1, []))
    if wrong := [name for name in columns if name not in header]:
        raise ValueError(f"{path}:1: no column {wrong[0]!r}: the columns are {listing(map(repr, header))}")
    if twice := [name for place, name in enumerate(header) if name and name in header[:place]]:
        raise ValueError(f"{path}:1: the column {short_repr(twice[0])} occurs twice")
    for line, cells in records:
        if len(cells) < len(header):
            lacking = short_repr(header[len(cells)])
            raise ValueError(f"{path}:{line}: {len(cells)} of {len(header)} cells: {lacking} is missing")
        if any(cell.strip() for cell in cells[len(header) :]):
            raise ValueError(f"{path}:{line}: {len(cells)} cells, where the header has {len(header)} columns")
        yield Row(path, line, dict(zip(header, cells, strict=False)))


def _records(path: Path, delimiter: str, quotes: bool) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each record; those whose cells are all blank are skipped."""
    plain = ((line, written.split(delimiter)) for line, written in text.lines(path))
    records = _quoted(path, delimiter) if quotes else plain
    return ((line, cells) for line, cells in records if any(cell.strip() for cell in cells))


def _quoted(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader, line = csv.reader((f"{written}\n" for _, written in text.lines(path)), delimiter=delimiter, strict=True), 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path}:{line} is not a row of a table: {cut(str(error))}") from None
