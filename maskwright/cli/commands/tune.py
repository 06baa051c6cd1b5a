"""maskwright tune"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 79
EXAMPLES = """Examples

  maskwright tune quickstart --over optimizer.lr=1e-3:3e-2:log --trials 12
  # several settings; whole numbers, steps, and choices
  maskwright tune quickstart --over optimizer.lr=1e-3:3e-2:log \\
      --over model.layers=2:6 --over training.warmup=0:0.2:0.05 \\
      --over optimizer.name=muon,adamw --trials 40 --out tuned
  # by an exam that all objectives share, over three seeds
  maskwright tune quickstart --over objective.ratio=0.1:0.5 \\
      --metric masked/loss --seeds 3
  # every trial to its end
  maskwright tune mine.yaml --over model.dropout=0,0.1,0.2 --no-halving

Run the same command again to resume, with more --trials to go on. Results:
OUT/page.html, results.json, trials.csv, best.yaml; each trial is a run in
OUT/trials. Needs: pip install "maskwright[tune]"
"""


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, a YAML file, or the folder of an earlier run.")],
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="SECTION.KEY=VALUE", help="Changes to every trial.")
    ] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(metavar="SECTION.KEY=RANGE", help="What is tuned: low:high, low:high:log, low:high:step or a,b."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, max=100_000, help="How many, those in OUT included.")] = 20,
    seeds: Annotated[
        str | None,
        typer.Option(help="Of every trial: how many (3: 0, 1, 2), or which (5,7); else the recipe's."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What decides, of the validation: loss, masked/loss, forward/bits_per_byte …")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that trials and results are written to.")] = Path("tuning"),
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Runs at a time, one thread each.")] = 1,
    halving: Annotated[bool, typer.Option(help="Stop a trial that falls behind the better half.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the best values of settings: many trials of a recipe, each with the schedule of a full run."""
    from importlib.util import find_spec

    if find_spec("optuna") is None:
        raise ValueError('tune needs Optuna: pip install "maskwright[tune]"')
    from rich.console import Console

    from ...progress import during

    with during("loading", not quiet):
        from ...compare.tuning import report
        from ...compare.tuning.study import tune
        from ...training.interrupt import Stopped

    try:
        tuning = tune(recipe, over or [], trials, changes or [], seeds, metric, out, workers, halving, show=not quiet)
    except Stopped as stopped:
        typer.echo(f"{stopped}", err=True)
        raise typer.Exit(130) from None
    found = report.Report(tuning)
    facts = report.write(found)
    if as_json:
        typer.echo(json.dumps(facts))
        return
    Console().print(report.table(found))
    typer.echo("\n".join([*found.lines(), f"page  {out / 'page.html'}"]))
