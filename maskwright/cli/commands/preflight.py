"""maskwright preflight"""

import dataclasses
import json
from typing import Annotated

import typer

ORDER = 35
EXAMPLES = """Examples

  # before the run: the tokenizer, the model's class, its length
  maskwright preflight run.yaml
  maskwright preflight babylm/strict_small/gpt_bert --track strict-small \\
      "corpus.files=[texts/]"
  # a run, as it would be exported
  maskwright preflight first
  # a folder of transformers
  maskwright preflight model --longest 1024
"""


def command(
    model: Annotated[str, typer.Argument(help="A recipe, a run, a checkpoint or an exported folder.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="SECTION.KEY=VALUE", help="Changes to a recipe or config.")
    ] = None,
    longest: Annotated[int, typer.Option(min=1, max=2**20, help="Tokens of the longest text to be evaluated.")] = 512,
    track: Annotated[
        str | None, typer.Option(help="strict-small or strict: count the words of the run against its budget too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check everything that the official BabyLM evaluation needs of a model; exit code 1 if something is missing."""
    from rich.console import Console

    from ...progress import during

    with during(f"checking {model}"):
        from ...display.preflight import table
        from ...hub.preflight.run import findings

        found = findings(model, longest, overrides or [], track)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(finding) for finding in found]))
    else:
        Console().print(table(found))
    if not all(finding.met for finding in found):
        raise typer.Exit(1)
