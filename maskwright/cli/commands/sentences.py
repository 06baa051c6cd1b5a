"""maskwright sentences"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 79
EXAMPLES = """Examples

  # texts told from each other by two vectors of each (SimCSE)
  maskwright sentences first --data texts/ --out vectors
  # the first sentence of a paragraph finds the rest of it
  maskwright sentences first --data texts/ --out pairs method=pairs epochs=2
  # a decoder writes the text again (TSDAE): bert, roberta and the like
  maskwright sentences bert-base-uncased --data domain/ --out tsdae \\
      method=tsdae pooling=cls
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run, a checkpoint, or any model of transformers.")],
    options: Annotated[
        list[str] | None, typer.Argument(metavar="OPTION=VALUE", help="method=simcse epochs=1 batch=32 lr=3e-5 …")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="A text file, or a folder of them; a paragraph is a line.")] = None,
    out: Annotated[Path, typer.Option(help="The folder to write, empty or new.")] = Path("sentences"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train a model on plain text to give vectors of texts, and write it as sentence-transformers opens it."""
    from rich.console import Console

    from ...progress import during

    with during("loading"):
        from ...display.metrics import metrics
        from ...hub.contrastive.learn import Options, learn
        from ...run.load import load
        from ...settings import from_mapping, override

    settings = from_mapping(Options, override({}, options or []), "sentences")
    with during(f"learning vectors of texts from {data}"):
        numbers = learn(load(run), data, settings, out)
    typer.echo(json.dumps(numbers)) if as_json else Console().print(metrics(numbers))
    typer.echo(out, err=as_json)
