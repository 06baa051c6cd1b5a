"""maskwright ratios"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 85
EXAMPLES = """Examples

  maskwright ratios forward_backward
  maskwright ratios forward_backward --metric perplexity --epochs 0:1 \\
      --epochs 5:10 --json

Ratio 1 is the forward loss without backward training over that with it; ratio
2 is forward over backward of one model.
"""


def command(
    folder: Annotated[Path, typer.Argument(help="A folder of finished runs, at any depth.")],
    metric: Annotated[str, typer.Option(help="loss, perplexity, accuracy or top5.")] = "loss",
    epochs: Annotated[list[str] | None, typer.Option(help="A range of epochs to average over, as 5:10.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder for the table and figures; by default FOLDER/ratios.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare forward and backward prediction over seeds, sizes and layers: ratios of their losses."""
    from rich.console import Console

    from ...progress import during

    with during("loading"):
        from ...compare.directions import display
        from ...compare.directions.ratios import ranges, ratios

        rows = ratios(folder, metric, ranges(epochs or []))
    typer.echo(json.dumps(rows)) if as_json else Console().print(display.table(rows))
    for path in display.write(rows, out or folder / "ratios"):
        typer.echo(path, err=True)
