"""maskwright weights"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 55
EXAMPLES = """Examples

  maskwright train amlm_hard --out adaptive
  maskwright weights adaptive
  maskwright weights adaptive --lexicon tagged.txt --json
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run with adaptive or learned masking.")],
    top: Annotated[int, typer.Option(min=1, help="How many of the hardest and easiest tokens to show.")] = 15,
    lexicon: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Tagged sentences, word_TAG, one a line.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="The folder for plots; by default RUN/plots.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a run has learned to mask: the hardest and easiest tokens, parts of speech, and plots over time."""
    from rich.console import Console

    from ...display import weight_plots
    from ...run.metrics_log import read_lines
    from ...text import pos_lexicon as tagged
    from ...text.tokenizers.token_text import in_sight
    from ...training import token_weights

    found, spoken = token_weights.of_run(run)
    tokens = [in_sight(spoken, [token])[0] for token in range(spoken.vocabulary.size)]
    ends = weight_plots.extremes(found, tokens, top)
    kinds: list[str] = []
    shares = None
    if lexicon:
        kinds, counts = tagged.tokens(tagged.read(lexicon), spoken)
        shares = tagged.by_kind(found["weight"], counts)
    files = weight_plots.plots(found, tokens, read_lines(run / "metrics.jsonl"), kinds, shares, plots or run / "plots")
    if as_json:
        last = {} if shares is None else {"kinds": dict(zip(kinds, shares[-1].tolist(), strict=True))}
        typer.echo(json.dumps(ends | last))
        return
    for name, ordered in ends.items():
        Console().print(weight_plots.table(name, ordered))
    if shares is not None:
        Console().print(weight_plots.kinds_table(kinds, shares))
    typer.echo("\n".join(map(str, files)), err=True)
