"""maskwright doctor"""

import json
from typing import Annotated

import typer

ORDER = 200
EXAMPLES = """Examples

  # the machine, what is chosen on it, and what to install to be faster
  maskwright doctor
  maskwright doctor --json
"""


def command(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show what this machine is, which data types and kernels are chosen on it, and what would make it faster."""
    from rich.console import Console

    from ...progress import during

    with during("measuring this machine"):
        from ...display.machine import report, table

        lines = report()
    if as_json:
        typer.echo(json.dumps({line.name: line.value for line in lines}))
    else:
        Console().print(table(lines))
