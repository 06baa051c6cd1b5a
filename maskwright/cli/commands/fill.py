"""maskwright fill"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

ORDER = 60
EXAMPLES = """Examples

  maskwright fill first "The function returns a [MASK] of strings."
  maskwright fill first "If the [MASK] is empty, [MASK] is raised." --top 3 \\
      --json
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run or a checkpoint.")],
    texts: Annotated[list[str], typer.Argument(help="Texts that contain [MASK].")],
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many predictions to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict the masked tokens in a text, with their probabilities."""
    from rich.console import Console

    from ...progress import during

    with during(f"opening {run}"):
        from ...api import load
        from ...display.metrics import blanks

        opened = load(run, "cpu")
    filled = {text: opened.fill(text, top) for text in texts}
    if as_json:
        typer.echo(json.dumps({text: [asdict(blank) for blank in found] for text, found in filled.items()}))
        return
    for text, found in filled.items():
        Console().print(blanks(text, found))
