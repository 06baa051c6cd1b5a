"""maskwright merge"""

from pathlib import Path
from typing import Annotated

import typer

ORDER = 70
EXAMPLES = """Examples

  maskwright train diffusion --out d
  maskwright train remask training.init_from=d --out r
  # half of each: a generator that detects its own errors
  maskwright merge d r --out both
  maskwright merge d r --weights 0.7,0.3 --method slerp --out both
  # d and what r and s learned since
  maskwright merge r s --method task --base d --weights 1,1 --out all
  maskwright sample both --sampler learned
"""


def command(
    models: Annotated[
        list[Path],
        typer.Argument(
            help="Runs or checkpoints with the same architecture and tokenizer; the first gives the config."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to write; empty or new.")],
    weights: Annotated[
        str | None, typer.Option(help="One weight per model, such as 0.7,0.3; by default equal.")
    ] = None,
    method: Annotated[str, typer.Option(help="The method: average, slerp, task.")] = "average",
    base: Annotated[
        Path | None, typer.Option(help="For task arithmetic: the model that the others were trained from.")
    ] = None,
) -> None:
    """Merge the weights of trained models into one; the result is a run, with its sources in merged.json."""
    from ...progress import during

    with during(f"merging {len(models)} models"):
        from ...merging.merge import Merge, merge, numbers

        said = merge(Merge(models, numbers(weights, len(models)), method, base), out)
    typer.echo(said)
    typer.echo(out)
