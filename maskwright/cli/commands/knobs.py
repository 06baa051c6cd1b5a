"""maskwright knobs"""

from typing import Annotated

import typer

ORDER = 10
EXAMPLES = """
[bold]Examples[/]

  maskwright knobs                    the sections of a config, and the recipes\n
  maskwright knobs objective          what there is to choose from\n
  maskwright knobs objective.span     every knob of one of them\n
  maskwright knobs training
"""


def command(
    path: Annotated[str, typer.Argument(help="A section, or a section and a name: objective, objective.span.")] = "",
) -> None:
    """Show what can be set: sections, names and knobs, with their defaults and what they mean."""
    from rich.console import Console

    from ...display.settings import table

    Console().print(table(path))
