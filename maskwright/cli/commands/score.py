"""maskwright score"""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

ORDER = 65
EXAMPLES = """Examples

  # one text per line
  maskwright score first texts.txt
  # pairs: sentence_good, sentence_bad
  maskwright score first pairs.jsonl --json
  maskwright score first texts.txt --backend mlm_word
  # surprisal in bits, a row for each word, with its length and frequency
  maskwright score first texts.txt --per word --unit bits --out words.csv
  # texts in a column of a table, whose other columns are carried through
  maskwright score first items.csv --column sentence --per token \\
      --out tokens.parquet
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run or a checkpoint.")],
    file: Annotated[
        Path,
        typer.Argument(help="One text per line; .csv, .tsv or .parquet; or .jsonl, also with pairs as in BLiMP."),
    ],
    column: Annotated[
        str | None, typer.Option(help="The column of a table or field of .jsonl that holds the texts; by default text.")
    ] = None,
    per: Annotated[Literal["text", "token", "word"], typer.Option(help="What a row is about.")] = "text",
    unit: Annotated[Literal["nats", "bits"], typer.Option(help="The unit of log-probabilities.")] = "nats",
    backend: Annotated[
        str | None,
        typer.Option(help="How texts are scored: mlm, mlm_word, causal …; by default as the model was trained."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the rows to this file: .csv, .tsv, .parquet, .json or .jsonl.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score texts, tokens or words: log-likelihoods, and what statistics of tokens and words need beside them."""
    from rich.console import Console

    from ...progress import during

    with during(f"opening {run}"):
        from ...display import text_scores
        from ...evaluate.scoring.load import scorer, windows
        from ...evaluate.scoring.table import table
        from ...evaluate.scoring.text_files import items, likelihoods
        from ...run.load import load
        from ...storage.tables import check_name, rows, write_columns

        if out:
            check_name(out)
        lines = items(file, column)
        opened = load(run)
        name, ready = scorer(opened, backend)
    if per == "text" and unit == "nats" and out is None:
        with during(f"scoring {file}"):
            found = likelihoods(ready, [item.texts for item in lines], windows(opened, name, ready))
        if as_json:
            typer.echo(json.dumps({"backend": name, "texts": found}))
        else:
            typer.echo(f"scored by {name}", err=True)
            Console().print(text_scores.table(found))
        return
    if len(lines[0].texts) == 2:
        raise ValueError(f"{file} holds pairs: --per, --unit and --out need one text a line, --column sentence_good")
    with during(f"scoring {file}"):
        columns = table(opened, name, ready, lines, per, unit)
    if out:
        write_columns(out, columns)
        typer.echo(f"{len(columns['text_number']):,} rows, scored by {name}, in {out}", err=True)
    if as_json:
        typer.echo(json.dumps({"backend": name, f"{per}s": list(rows(columns))}, default=str))
    elif not out:
        typer.echo(f"scored by {name}", err=True)
        Console().print(text_scores.columns_table(columns, Console().width), crop=False)
