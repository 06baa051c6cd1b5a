"""Log-likelihoods of texts as a table for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from .elements.table import Table

COLUMNS = ("log_likelihood", "per_token", "per_byte")


def table(lines: Sequence[Mapping[str, Any]]) -> Table:
    """A line for each text; the likelier of a pair is bold."""
    shown = Table("text")
    for column in COLUMNS:
        shown.add_column(column.replace("_", " "), justify="right")
    for line in lines:
        pair = {name: part for name, part in line.items() if isinstance(part, Mapping)}
        for name, part in (pair or {"": line}).items():
            style = "bold" if name and line["likelier"] == name else ""
            cells = (f"{part[column]:,.3f}" for column in COLUMNS)
            shown.add_row(part["text"], *cells, style=style)
    return shown


def columns_table(columns: Mapping[str, Sequence[Any]]) -> Table:
    """A line for each row of `columns`; numbers with decimals have three."""
    shown = Table()
    for name, values in columns.items():
        shown.add_column(name.replace("_", " "), justify="left" if any(isinstance(v, str) for v in values) else "right")
    for row in zip(*columns.values(), strict=True):
        shown.add_row(
            *("" if cell is None else f"{cell:,.3f}" if isinstance(cell, float) else str(cell) for cell in row)
        )
    return shown
