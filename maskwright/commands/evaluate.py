"""maskwright evaluate"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 50
EXAMPLES = """
[bold]Examples[/]

  maskwright evaluate first validation\n
  maskwright evaluate first validation --json

  maskwright evaluate first SUITE --data FOLDER       a suite that brings its own questions
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    suite: Annotated[str, typer.Argument(help="What to evaluate: a file in `suites/`.")] = "validation",
    data: Annotated[Path | None, typer.Option(help="The folder with the suite's files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Evaluate a trained model: on what its run held out, or on a suite."""
    from rich.console import Console

    from ..compare.show import metrics
    from ..folder import module

    numbers = module("suites", suite).evaluate(run, data)
    if as_json:
        typer.echo(json.dumps(numbers))
    else:
        Console().print(metrics(numbers))
