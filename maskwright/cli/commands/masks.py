"""maskwright masks"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 30
SAMPLE = 32
"""Batches of rows in a report."""
EXAMPLES = """Examples

  maskwright masks "Masks are drawn anew in each epoch."
  maskwright masks "The same hidden words." --objective whole_word \\
      --objective span --epochs 3
  # coverage, diversity and runs on the embedded corpus
  maskwright masks --report
  maskwright masks --report --run first --plot masks.png --json
"""


def command(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to mask.")] = None,
    objective: Annotated[list[str] | None, typer.Option(help="Which objectives; by default every masking one.")] = None,
    ratio: Annotated[float, typer.Option(help="The mask ratio.")] = 0.15,
    epochs: Annotated[int, typer.Option(min=1, help="How many epochs to show.")] = 5,
    seed: Annotated[int, typer.Option(help="The seed of the masks.")] = 0,
    run: Annotated[
        str, typer.Option(help="The recipe, YAML file or run whose text and tokenizer are used.")
    ] = "quickstart",
    report: Annotated[
        bool, typer.Option("--report", help="Statistics over a corpus, beside what independent masking gives.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="With --report: save a plot here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --report: print JSON.")] = False,
) -> None:
    """Show what each objective masks: a text over several epochs in colour, or statistics over a corpus."""
    from rich.console import Console

    from ...display import masks
    from ...evaluate.validation.mask_coverage import report as measure
    from ...run.build import data, masked
    from ...run.config import Config

    if not texts and not report:
        raise ValueError('nothing to mask: give a text, as in maskwright masks "Some words.", or --report')
    if (plot or as_json) and not report:
        raise ValueError("--plot and --json go with --report")
    parts = data(Config.load(run), show=False)
    objectives = [one.build(parts.shards, seed) for one in masked(objective, ratio)]
    for text in texts or []:
        Console().print(masks.show(text, parts.shards.tokenizer, objectives, epochs, seed))
    if report:
        figures = measure((parts.loader.batch(step, SAMPLE) for step in range(SAMPLE)), objectives, epochs, seed)
        Console().print(masks.table(figures)) if not as_json else typer.echo(json.dumps(figures))
        if plot:
            typer.echo(masks.plot(figures, plot), err=True)
