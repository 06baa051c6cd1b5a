"""maskwright push"""

from pathlib import Path
from typing import Annotated, Literal

import typer

ORDER = 81
EXAMPLES = """Examples

  # once; or set HF_TOKEN
  hf auth login
  # the model on main, what training.keep_at kept on chck_1M …
  maskwright push first OWNER/NAME
  # visible to its owner only
  maskwright push first OWNER/NAME --private
  maskwright push first/checkpoints/step-500 OWNER/NAME
  # for transformers before 4.54, which has no causal ModernBERT
  maskwright push judge OWNER/NAME --to hf-code
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run, a checkpoint, or a folder of several checkpoints.")],
    name: Annotated[str, typer.Argument(help="The repository, OWNER/NAME; created if it does not exist.")],
    to: Annotated[
        Literal["hf", "hf-code"],
        typer.Option(help="A class of transformers or maskwright's own: see `export --help`."),
    ] = "hf",
    private: Annotated[bool, typer.Option("--private", help="Make it visible to its owner only.")] = False,
    causal: Annotated[
        bool | None, typer.Option("--causal/--masked", help="As a causal or a masked model; by default as trained.")
    ] = None,
) -> None:
    """Push a run to the Hub: its model to `main`, each checkpoint of training.keep_at to a branch such as chck_1M."""
    from ...progress import during

    with during("loading"):
        from ...hub.push.push import push

    for line in push(run, name, private, causal, own_code=to == "hf-code"):
        typer.echo(line)
