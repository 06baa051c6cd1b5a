"""maskwright weights"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

ORDER = 55
EXAMPLES = """Examples

  maskwright train amlm_hard --out adaptive
  maskwright weights adaptive
  # how often each part of speech is hidden
  maskwright weights adaptive --lexicon tagged.txt --json
  # and how that goes with what is learned between its checkpoints
  maskwright train amlm_hard training.keep=null --out kept
  maskwright weights kept --lexicon tagged.txt --blimp FOLDER --limit 100
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run with adaptive masking, or a checkpoint of it.")],
    top: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many of the hardest and easiest tokens to show.")
    ] = 15,
    lexicon: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Tagged sentences, word_TAG, one a line.")
    ] = None,
    blimp: Annotated[
        Path | None,
        typer.Option(help="With --lexicon: BLiMP, on which each kept model is evaluated; rates beside its gains."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=10**9, help="With --blimp: only so many pairs of a paradigm.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="The folder for plots; by default RUN/plots.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a run has learned to mask: the hardest and easiest tokens, parts of speech, and plots over time."""
    from rich.console import Console

    from ...progress import during

    with during("loading"):
        from ...display.adaptive import hiding_rates, weight_plots
        from ...evaluate.statistics import rates_and_gains as gains
        from ...evaluate.validation.hiding_rates import rates as measure
        from ...run.metrics_log import read_lines
        from ...text.tokenizers.token_text import in_sight
        from ...training import token_weights

    if blimp and not lexicon:
        raise ValueError("--blimp relates gains to how often parts of speech are hidden: give --lexicon too")
    found, config, data = token_weights.of_run(run)
    tokens = [in_sight(data.shards.tokenizer, [token])[0] for token in found["token"].tolist()]
    out = plots or run / "plots"
    ends = weight_plots.extremes(found, tokens, top)
    numbers: dict[str, Any] = dict(ends)
    tables = [weight_plots.table(name, ordered) for name, ordered in ends.items()]
    files = weight_plots.plots(found, tokens, read_lines(run / "metrics.jsonl"), out)
    if lexicon:
        rates = measure(config, data, found["step"], found["weight"], lexicon)
        numbers["rates"] = dict(zip(rates.kinds, rates.hidden[-1].tolist(), strict=True))
        tables.append(hiding_rates.table(rates))
        files.append(hiding_rates.plot(rates, out / "hiding_rates.svg"))
    if blimp:
        beside = gains.associate(rates.steps, rates.relative, gains.curves(run, blimp, limit))
        numbers["gains"] = gains.as_numbers(rates.kinds, beside)
        tables.append(hiding_rates.association_table(rates.kinds, beside, top))
        files.append(hiding_rates.association_plot(rates.kinds, beside, out / "rates_and_gains.svg"))
    if as_json:
        typer.echo(json.dumps(numbers))
        return
    for shown in tables:
        Console().print(shown)
    typer.echo("\n".join(map(str, files)), err=True)
