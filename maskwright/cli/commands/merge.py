"""maskwright merge"""

from pathlib import Path
from typing import Annotated

import typer

ORDER = 70
EXAMPLES = """
[bold]Examples[/]

  maskwright train diffusion --out d && maskwright train remask training.init_from=d --out r\n
  maskwright merge d r --out both                             half of each: a writer that finds its own errors\n
  maskwright merge d r --weights 0.7,0.3 --method slerp --out both\n
  maskwright merge r s --method task --base d --weights 1,1 --out all          d and what r and s learned since\n
  maskwright sample both --sampler learned
"""


def command(
    models: Annotated[list[Path], typer.Argument(help="Runs or checkpoints of one model; the first is the pattern.")],
    out: Annotated[Path, typer.Option(help="The folder to write; it must be empty or not there.")],
    weights: Annotated[str | None, typer.Option(help="A number for each, 0.7,0.3; by default equal shares.")] = None,
    method: Annotated[str, typer.Option(help="A file in `mergers/`: average, slerp, task.")] = "average",
    base: Annotated[Path | None, typer.Option(help="Of method task: the model that the others began from.")] = None,
) -> None:
    """Merge the weights of trained models into one, a run that says where it came from."""
    from ...merging.merge import Merge, merge, numbers

    typer.echo(merge(Merge(models, numbers(weights, len(models)), method, base), out))
    typer.echo(out)
