"""maskwright import-model"""

from pathlib import Path
from typing import Annotated

import typer

ORDER = 16
EXAMPLES = """
[bold]Examples[/]

  maskwright import-model deberta-v3-small mine       a folder as `save_pretrained` writes it\n
  maskwright train mine/config.yaml "corpus.files=\\[texts/]" objective.name=span --out further\n
  maskwright import-model model mine && maskwright score mine texts.txt
"""


def command(
    folder: Annotated[Path, typer.Argument(help="A folder of transformers: ModernBERT, its decoder, or DeBERTa-v2.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; it must be empty or not there.")],
) -> None:
    """Make a run of a model of `transformers`, to go on with it under any objective."""
    from ...hub.convert.model import adopt

    typer.echo(adopt(folder, out))
    typer.echo(f"go on with it: maskwright train {out / 'config.yaml'} objective.name=… --out FOLDER")
