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
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    suite: Annotated[str, typer.Argument(help="What to evaluate: validation.")] = "validation",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Evaluate a trained model on what its run held out: loss, accuracy, bits per byte, by domain."""
    from rich.console import Console

    from ..compare.show import metrics
    from ..training.suites import evaluate

    numbers = evaluate(run, suite)
    if as_json:
        typer.echo(json.dumps(numbers))
    else:
        Console().print(metrics(numbers))
