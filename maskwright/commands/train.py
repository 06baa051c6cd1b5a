"""maskwright train"""

from pathlib import Path
from typing import Annotated

import typer

ORDER = 40
EXAMPLES = """
[bold]Examples[/]

  maskwright train quickstart --out first\n
  maskwright train quickstart objective.name=whole_word training.steps=1000 --out words\n
  maskwright train quickstart "corpus.files=\\[texts/,more.jsonl.gz]" tokenizer.size=8192 --out mine\n
  maskwright train first/config.yaml seed=1 --out again\n
  maskwright train first --out first --resume
"""


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, a YAML file, or the folder of an earlier run.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[SECTION.KEY=VALUE]...")] = None,
    out: Annotated[Path, typer.Option(help="The folder that the run is written to.")] = Path("run"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest whole checkpoint in OUT.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Train a model: from text to a run's folder with checkpoints, metrics, the final model and a report."""
    from ..compare.report import write
    from ..training.config import Config
    from ..training.trainer import Stopped, Trainer

    try:
        Trainer(Config.load(recipe, overrides or []), out, resume, show=not quiet).train()
    except Stopped as stopped:
        typer.echo(f"{stopped}", err=True)
        raise typer.Exit(130) from None
    typer.echo(write(out))
