"""maskwright options"""

from typing import Annotated

import typer

ORDER = 10
EXAMPLES = """
[bold]Examples[/]

  maskwright options                    the sections of a config, and the recipes\n
  maskwright options objective          the objectives to choose from\n
  maskwright options objective.span     every option of one of them\n
  maskwright options training
"""


def command(
    path: Annotated[str, typer.Argument(help="A section, or a section and a name: objective, objective.span.")] = "",
) -> None:
    """List what can be configured: sections, names, and every option with its default and meaning."""
    from rich.console import Console

    from ...display.settings import table

    Console().print(table(path))
