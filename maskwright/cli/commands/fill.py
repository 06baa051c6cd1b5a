"""maskwright fill"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

ORDER = 60
EXAMPLES = """
[bold]Examples[/]

  maskwright fill first "The function returns a [MASK] of strings."\n
  maskwright fill first "If the [MASK] is empty, [MASK] is raised." --top 3 --json
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    texts: Annotated[list[str], typer.Argument(help="Texts with [MASK] where something is missing.")],
    top: Annotated[int, typer.Option(min=1, help="How many guesses to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fill the masks in a text: the best guesses with their probabilities."""
    from rich.console import Console

    from ...display.metrics import blanks
    from ...objectives.base.capabilities import named_from
    from ...run.config import Config
    from ...run.saved import load
    from ...sampling.fill import fill

    model, tokenizer = load(run)
    config = Config.load(run)
    if (shift := named_from(config.objective)) is None:
        raise ValueError(f"{run} was trained with {config.tree()['objective']['name']}, which never fills a mask")
    filled = {text: fill(model, tokenizer, text, top, shift) for text in texts}
    if as_json:
        typer.echo(json.dumps({text: [asdict(blank) for blank in found] for text, found in filled.items()}))
        return
    for text, found in filled.items():
        Console().print(blanks(text, found))
