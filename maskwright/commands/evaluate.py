"""maskwright evaluate"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 50
EXAMPLES = """
[bold]Examples[/]

  maskwright evaluate first validation\n
  maskwright evaluate first validation --json\n
  maskwright evaluate first layers                    with its last layers taken away, one by one\n
  maskwright evaluate first/checkpoints/step-500 validation\n
  maskwright evaluate first SUITE --data FOLDER       a suite that brings its own questions
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of one of its checkpoints.")],
    suite: Annotated[str, typer.Argument(help="What to evaluate: a file in `suites/`.")] = "validation",
    data: Annotated[Path | None, typer.Option(help="The folder with the suite's files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Evaluate a trained model: on what its run held out, or on a suite. RUN/evaluations keeps the numbers."""
    from rich.console import Console

    from ..compare import series
    from ..compare.show import metrics
    from ..folder import module

    numbers = module("suites", suite).evaluate(run, data)
    (kept := run / "evaluations").mkdir(exist_ok=True)
    (kept / f"{suite}.json").write_text(json.dumps(numbers, indent=1))
    typer.echo(json.dumps(numbers)) if as_json else Console().print(metrics(numbers))
    if found := series.series(numbers):
        typer.echo(series.plot(found, run / "plots" / f"{suite}.svg"), err=True)
