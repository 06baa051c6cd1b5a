"""Log-likelihoods of texts as a table for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from .elements.table import Table, in_a_line

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
            cells = (_cell(part[column]) for column in COLUMNS)
            shown.add_row(in_a_line(part["text"]), *cells, style=style)
    return shown


def columns_table(columns: Mapping[str, Sequence[Any]]) -> Table:
    """A line for each row of `columns`; numbers with decimals have three, and what is too wide breaks texts first."""
    shown = Table(padding=(0, 1, 0, 0))
    for name, values in columns.items():
        if any(isinstance(value, str) for value in values):
            shown.add_column(name.replace("_", " "), overflow="fold")
        else:
            shown.add_column(name.replace("_", "\n"), justify="right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        shown.add_row(*map(_cell, row))
    return shown


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:,.3f}" if isinstance(value, float) else in_a_line(str(value))
