"""maskwright collate"""

from pathlib import Path
from typing import Annotated, Literal

import typer

ORDER = 51
EXAMPLES = """Examples

  # every checkpoint, then the main model, then the file to upload
  maskwright evaluate RUN/words babylm --fast --data evaluation_data
  maskwright evaluate RUN babylm --data evaluation_data
  maskwright collate RUN --track strict-small --data evaluation_data
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a run, with its checkpoints in words/.")],
    track: Annotated[str, typer.Option(help="strict-small or strict.")],
    data: Annotated[Path, typer.Option(help="evaluation_data, with full_eval and fast_eval.")],
    results: Annotated[Path | None, typer.Option(help="The folder of the results; by default RUN/results.")] = None,
    backend: Annotated[
        Literal["mlm", "mntp", "causal"] | None,
        typer.Option(help="The backend of the results; by default what the model was trained for."),
    ] = None,
) -> None:
    """Write the one file of a BabyLM submission, check every count, and show what the leaderboard will."""
    from rich.console import Console

    from ...progress import during, warn

    with during(f"collating {run}"):
        from ...display.submission import notes, shown
        from ...evaluate.babylm.collate import Source, collate
        from ...evaluate.scoring.backends import choose
        from ...run.load import described

        name, _ = choose(backend, described(run, "cpu").objective)
        path, made = collate(Source(run, results or run / "results", data, name), track)
    Console().print(shown(made))
    typer.echo(f"words: {made.words}")
    for sentence in [*notes(made), *made.lacking]:
        warn(sentence)
    typer.echo(path)
    if made.lacking:
        raise typer.Exit(1)
