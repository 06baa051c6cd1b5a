"""What an evaluation needs and whether it is there, as a table for the terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from ..hub.preflight.checks import Finding

SYMBOLS = {True: "[green]✓[/]", False: "[bold red]✗[/]"}


def table(found: Sequence[Finding]) -> Table:
    """A line for each need, with what was found or what to mend."""
    shown = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding in found:
        shown.add_row(SYMBOLS[finding.met], finding.need, Text(finding.told))
    return shown
