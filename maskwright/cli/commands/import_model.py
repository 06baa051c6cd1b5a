"""maskwright import-model"""

from pathlib import Path
from typing import Annotated

import typer

ORDER = 16
EXAMPLES = """Examples

  # a folder as `save_pretrained` writes it
  maskwright import-model deberta-v3-small mine
  maskwright train mine/config.yaml "corpus.files=[texts/]" \\
      objective.name=span --out further
  maskwright import-model model mine && maskwright score mine texts.txt
"""


def command(
    folder: Annotated[Path, typer.Argument(help="A folder of ModernBERT, its decoder, DeBERTa-v2 or GPT-BERT.")],
    out: Annotated[Path, typer.Argument(help="The folder to write; empty or new.")],
) -> None:
    """Turn a model of `transformers` into a run, to continue training it under any objective."""
    from ...progress import during

    with during(f"opening {folder}"):
        from ...hub.convert.model import adopt

        said = adopt(folder, out)
    typer.echo(said)
    typer.echo(f"continue with: maskwright train {out / 'config.yaml'} objective.name=… --out FOLDER")
