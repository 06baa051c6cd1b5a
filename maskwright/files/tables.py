"""Tables of text with a header: .csv, .tsv."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path

from . import text
from .errors import cut, listing, short_repr

csv.field_size_limit(2**31 - 1)  # the limit is one for the whole process, and 128 KiB unless it is set

MISSING = ("", "NA", "NaN", "nan")
"""What a cell without a number holds."""


@dataclass(frozen=True)
class Row:
    """A row by the names of its columns."""

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
        """The number in a cell, NaN where it is missing. Raises ValueError when it is no number."""
        written = self.cells[column].strip()
        try:
            found = nan if written in MISSING else float(written)
        except ValueError:
            found = float("inf")
        if not isfinite(found) and written not in MISSING:
            raise ValueError(
                f"{self.place}: {column}={short_repr(written)} is not a number; where it is missing, write NA"
            )
        return found

    def whole(self, column: str) -> int:
        """The whole number in a cell. Raises ValueError when it is none."""
        found = self.number(column)
        if not found.is_integer():
            raise ValueError(f"{self.place}: {column}={short_repr(self.cells[column])} is not a whole number")
        return int(found)


def rows(path: Path, columns: Iterable[str] = (), delimiter: str = ",", quotes: bool = True) -> Iterator[Row]:
    """The rows below the header; rows without anything in them are skipped.

    columns: those that must be there. quotes: whether a cell may stand in double quotes.
    Raises ValueError, with file and line, when a column is missing or twice there, and when a row has fewer cells than
    the header has columns, or more.
    """
    records = _records(path, delimiter, quotes)
    _, header = next(records, (1, []))
    if wrong := [name for name in columns if name not in header]:
        raise ValueError(f"{path}:1: no column {wrong[0]!r}: there is {listing(map(repr, header))}")
    if twice := [name for place, name in enumerate(header) if name and name in header[:place]]:
        raise ValueError(f"{path}:1: the column {short_repr(twice[0])} is there twice")
    for line, cells in records:
        if len(cells) < len(header):
            lacking = short_repr(header[len(cells)])
            raise ValueError(f"{path}:{line}: the row breaks off: {len(cells)} of {len(header)} cells, no {lacking}")
        if any(cell.strip() for cell in cells[len(header) :]):
            raise ValueError(f"{path}:{line}: {len(cells)} cells, where the header has {len(header)} columns")
        yield Row(path, line, dict(zip(header, cells, strict=False)))


def _records(path: Path, delimiter: str, quotes: bool) -> Iterator[tuple[int, list[str]]]:
    """The line that each record begins in, and its cells; records of empty cells are skipped."""
    if not quotes:
        yield from ((line, written.split(delimiter)) for line, written in text.lines(path) if written.strip())
        return
    reader, line = csv.reader((f"{written}\n" for _, written in text.lines(path)), delimiter=delimiter, strict=True), 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path}:{line} is not a row of a table: {cut(str(error))}") from None
