"""maskwright export"""

from pathlib import Path
from typing import Annotated, Literal

import typer

ORDER = 80
EXAMPLES = """
[bold]Examples[/]

  maskwright export first model                       as it was trained, masked or causal\n
  maskwright export hybrid model --causal             the other way of a model that has learned both\n
  maskwright export first/checkpoints/step-500 chck_1M
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a run, of one of its checkpoints, or its folder `final`.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; it must be empty or not there.")],
    to: Annotated[Literal["hf"], typer.Option(help="Whose format: hf is that of transformers.")] = "hf",
    causal: Annotated[
        bool | None, typer.Option("--causal/--masked", help="As a causal or a masked model; by default as trained.")
    ] = None,
) -> None:
    """Write a trained model as a folder that `transformers` opens, with tokenizer and model card."""
    from ..training.exporting import export, opened

    typer.echo(export(opened(run), out, causal))
    typer.echo(out)
