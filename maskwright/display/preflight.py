"""The findings of `maskwright preflight` as a table for the terminal."""

from collections.abc import Sequence

from rich.text import Text

from ..hub.preflight.checks import Finding
from .elements.table import Table

SYMBOLS = {True: Text("✓", "green"), False: Text("✗", "bold red")}


def table(found: Sequence[Finding]) -> Table:
    """A line for each requirement, with what was found or how to fix it."""
    shown = Table(show_header=False, padding=(0, 2, 0, 0))
    for finding in found:
        shown.add_row(SYMBOLS[finding.met], finding.need, finding.message)
    return shown
