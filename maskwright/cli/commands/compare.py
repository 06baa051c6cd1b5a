"""maskwright compare"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 80
EXAMPLES = """Examples

  maskwright compare static:quickstart+objective.num_static_masks=1 \\
      dynamic:quickstart --out masking
  maskwright compare quickstart words.yaml --seeds 5 --budget tokens=2e6
  maskwright compare mlm:quickstart causal:quickstart+objective.name=causal \\
      --set training.steps=1000 --seeds 5,7
  maskwright compare small:quickstart big:quickstart+tokenizer.size=8192 \\
      --by bits_per_byte

Run the same command again to resume. Results: OUT/page.html, results.json,
summary.csv, curves.csv.
"""


def command(
    recipes: Annotated[
        list[str], typer.Argument(help="The arms, each [NAME:]RECIPE[+section.key=value…]; the first is the baseline.")
    ],
    seeds: Annotated[str, typer.Option(help="How many (3 means 0, 1, 2), or which (5,7).")] = "3",
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="A change to every arm.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="The length of every run: tokens=2e6, epochs=10, steps=1000 or minutes=5.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that runs and report are written to.")] = Path("comparison"),
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Runs at a time; by default one for each core, or one on a GPU.")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="The arm that others are compared with.")] = None,
    by: Annotated[str | None, typer.Option(help="bits_per_byte, to compare arms with different tokenizers.")] = None,
    primary: Annotated[
        str | None, typer.Option(help="The metric that decides, named before the runs: masked/loss …")
    ] = None,
    target: Annotated[float | None, typer.Option(help="Report the cost of reaching this loss.")] = None,
    ray: Annotated[str | None, typer.Option(help="A Ray cluster to run on: an address, auto or local.")] = None,
    publish: Annotated[Path | None, typer.Option(help="Copy the small files of the report to this folder.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress table.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train recipes with several seeds on the same text and compare them, with confidence intervals over seeds."""
    from ...progress import during

    with during("loading", not quiet):
        from ...compare.report import write
        from ...compare.report.summary import headlines
        from ...compare.study import compare
        from ...training.interrupt import Stopped

    try:
        comparison = compare(
            recipes, seeds, changes or [], budget, out, workers, baseline, by, primary, target, ray, show=not quiet
        )
    except Stopped as stopped:
        typer.echo(f"{stopped}", err=True)
        raise typer.Exit(130) from None
    found = write.write(comparison)
    if publish:
        write.publish(out, publish)
    typer.echo(json.dumps(found) if as_json else "\n".join([*headlines(comparison), f"page  {out / 'page.html'}"]))
    if comparison.failures:
        raise ValueError("; ".join(f"{run} failed: {error}" for run, error in comparison.failures.items()))
