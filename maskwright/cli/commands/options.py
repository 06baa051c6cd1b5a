"""maskwright options"""

from typing import Annotated

import typer

ORDER = 10
EXAMPLES = """Examples

  # the sections of a config, and the recipes
  maskwright options
  # the objectives to choose from
  maskwright options objective
  # every option of one of them
  maskwright options objective.span
  # the suites of `maskwright evaluate`, and the options of one
  maskwright options suite
  maskwright options suite.blimp
  maskwright options training
"""


def command(
    path: Annotated[str, typer.Argument(help="A section, or a section and a name: objective, objective.span.")] = "",
) -> None:
    """List what can be configured: sections, names, and every option with its default and meaning."""
    from rich.console import Console

    from ...progress import during

    with during("loading"):
        from ...display.settings import table

        found = table(path)
    Console().print(found)
