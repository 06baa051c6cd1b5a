"""maskwright export"""

from pathlib import Path
from typing import Annotated, Literal

import typer

ORDER = 80
EXAMPLES = """
[bold]Examples[/]

  maskwright export first model                       as it was trained, masked or causal\n
  maskwright export hybrid model --causal             the other way of a model that has learned both\n
  maskwright export first/checkpoints/step-500 chck_1M\n
  maskwright export first/words models                all that training.keep_at kept, as models/chck_1M …
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a run or of a checkpoint, or one that holds several.")],
    out: Annotated[Path, typer.Argument(help="The folder to write, with one in it for each of several; empty or new.")],
    to: Annotated[Literal["hf"], typer.Option(help="Whose format: hf is that of transformers.")] = "hf",
    causal: Annotated[
        bool | None, typer.Option("--causal/--masked", help="As a causal or a masked model; by default as trained.")
    ] = None,
) -> None:
    """Write trained models as folders that `transformers` opens, with tokenizer and model card."""
    from ...hub.export.run import export
    from ...run.discover import models
    from ...run.load import load

    several = {path: out / path.name for path in models(run).values()}
    for source, target in (several or {run: out}).items():
        typer.echo(export(load(source, "cpu"), target, causal))
        typer.echo(target)
