"""maskwright check"""

import json
from dataclasses import asdict
from typing import Annotated

import typer

ORDER = 32
EXAMPLES = """Examples

  # every promise, with a counter-example where it is broken
  maskwright check my_objectives.py:EveryOther
  maskwright check my_objectives.py:EveryOther ratio=0.3 --run run.yaml
  maskwright check package.module:EveryOther --json
"""


def command(
    objective: Annotated[str, typer.Argument(help="FILE.py:CLASS, package.module:CLASS, or a name.")],
    options: Annotated[list[str] | None, typer.Argument(metavar="OPTION=VALUE", help="Its options.")] = None,
    run: Annotated[str, typer.Option(help="The recipe, YAML file or run whose text and tokenizer are used.")] = (
        "quickstart"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check what every objective promises, no leak and an exact budget among it; exit code 1 where one is broken."""
    from ...progress import during

    with during("loading"):
        from ...objectives.base import contract
        from ...run.build import data
        from ...run.config import Config

    config = Config.load(run, [f"objective.name={objective}", *(f"objective.{option}" for option in options or [])])
    parts = data(config)
    with during(f"checking {objective}"):
        found = contract.check(contract.maker(config.objective, parts.shards), parts.loader.batch(0, parts.steps))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found]))
    else:
        for finding in found:
            typer.echo(
                f"✗ {finding.promise}: {finding.counterexample}" if finding.counterexample else f"✓ {finding.promise}"
            )
    if any(finding.counterexample for finding in found):
        raise typer.Exit(1)
