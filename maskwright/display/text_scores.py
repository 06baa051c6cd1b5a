"""Log-likelihoods of texts as a table for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from .elements.table import Table, on_one_line

NARROW = 8
"""Signs of a text that a line has room for at least."""
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
            shown.add_row(on_one_line(part["text"]), *cells, style=style)
    return shown


def columns_table(columns: Mapping[str, Sequence[Any]], room: int) -> Table:
    """A line for each row of `columns`; numbers with decimals have three.

    room: signs in a line of the terminal. Texts are broken to fit, but for NARROW signs of each; what is wider then is
    wider than the terminal, and nothing of it cut.
    """
    shown, least = Table(padding=(0, 1, 0, 0)), len(columns)
    for name, values in columns.items():
        longest = max(*map(len, name.split("_")), *(len(_cell(value)) for value in values))
        if any(isinstance(value, str) for value in values):
            least += (narrow := min(longest, NARROW))
            shown.add_column(name.replace("_", " "), overflow="fold", min_width=narrow)
        else:
            least += longest
            shown.add_column(name.replace("_", "\n"), justify="right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        shown.add_row(*map(_cell, row))
    shown.width = least if least > room else None
    return shown


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:,.3f}" if isinstance(value, float) else on_one_line(str(value))
