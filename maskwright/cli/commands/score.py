"""maskwright score"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 65
EXAMPLES = """Examples

  # one text per line
  maskwright score first texts.txt
  # pairs: sentence_good, sentence_bad
  maskwright score first pairs.jsonl --json
  maskwright score first texts.txt --backend mlm_word
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run or a checkpoint.")],
    file: Annotated[Path, typer.Argument(help="One text per line; or .jsonl with `text`, or with pairs as in BLiMP.")],
    backend: Annotated[
        str | None,
        typer.Option(help="How texts are scored: mlm, mlm_word, causal …; by default as the model was trained."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score texts: the log-likelihood of each in nats, per token and per byte."""
    from rich.console import Console

    from ...display.text_scores import table
    from ...evaluate.scoring.load import scorer
    from ...evaluate.scoring.text_files import likelihoods, texts
    from ...run.load import load

    lines = texts(file)
    name, ready = scorer(load(run), backend)
    found = likelihoods(ready, lines)
    if as_json:
        typer.echo(json.dumps({"backend": name, "texts": found}))
    else:
        Console().print(table(found))
