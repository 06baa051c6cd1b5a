"""maskwright push"""

from pathlib import Path
from typing import Annotated

import typer

ORDER = 81
EXAMPLES = """
[bold]Examples[/]

  hf auth login                                       once; or set HF_TOKEN\n
  maskwright push first OWNER/NAME                    the model on main, what training.keep_at kept on chck_1M …\n
  maskwright push first OWNER/NAME --private          so that only its owner sees it\n
  maskwright push first/checkpoints/step-500 OWNER/NAME
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a run or of a checkpoint, or one that holds several.")],
    name: Annotated[str, typer.Argument(help="The repository, OWNER/NAME; it is made if it is not there.")],
    private: Annotated[bool, typer.Option("--private", help="Only its owner sees it.")] = False,
    causal: Annotated[
        bool | None, typer.Option("--causal/--masked", help="As a causal or a masked model; by default as trained.")
    ] = None,
) -> None:
    """Put a run on the Hub: its model on `main`, each that it kept at a number of words on a branch of its name."""
    from ...hub.push.push import push

    for line in push(run, name, private, causal):
        typer.echo(line)
