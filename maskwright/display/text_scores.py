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
