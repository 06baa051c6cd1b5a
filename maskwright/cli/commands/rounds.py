"""maskwright rounds"""

from pathlib import Path
from typing import Annotated

import typer

ORDER = 41
EXAMPLES = """Examples

  maskwright train diffusion --out d
  # the model learns to correct what it writes itself, three times over
  maskwright rounds d self_correct --rounds 3 --out corrected
  maskwright sample corrected/round-3 --sampler edit
  # a detector of the errors of d
  maskwright rounds d remask "objective.corruption={synthetic: 1}" \\
      objective.generator_run=LAST objective.masked_ratio=1 --out detectors

LAST stands for the newest run whose model fills masks. Run the same command
again to resume.
"""


def command(
    start: Annotated[Path, typer.Argument(help="The run that the first round begins with.")],
    recipe: Annotated[str, typer.Argument(help="What is trained in each round: a recipe's name or a YAML file.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="SECTION.KEY=VALUE", help="Changes to it, the same in every round.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="How many rounds.")] = 3,
    out: Annotated[Path, typer.Option(help="The folder of the rounds, which are round-1, round-2, … in it.")] = Path(
        "rounds"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Train in rounds, each from the one before and on the errors of the newest model."""
    from ...progress import during

    with during("loading", not quiet):
        from ...display.run_report import write
        from ...training import rounds as training
        from ...training.interrupt import Stopped

    try:
        for folder in training.rounds(start, recipe, overrides or [], rounds, out, not quiet):
            typer.echo(f"{folder}: {write(folder).partition(chr(10))[0]}")
    except Stopped as stopped:
        typer.echo(f"{stopped}", err=True)
        raise typer.Exit(130) from None
