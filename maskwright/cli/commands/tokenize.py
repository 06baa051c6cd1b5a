"""maskwright tokenize"""

from typing import Annotated

import typer

ORDER = 20
EXAMPLES = """Examples

  maskwright tokenize quickstart --out shards
  maskwright tokenize quickstart "corpus.files=[texts/*.txt]" \\
      tokenizer.size=16384 --out shards
  maskwright tokenize run.yaml --out shards --errors replace
  maskwright tokenize run.yaml --out s3://bucket/shards --over ray
"""


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe's name or a YAML file: its corpus and tokenizer are used.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="SECTION.KEY=VALUE", help="Changes to it; `maskwright options` lists every key."),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Where the shards go, a folder or a URL; by default the cache that train uses.")
    ] = None,
    errors: Annotated[
        str | None, typer.Option(help="What to do with bytes that are not UTF-8: strict (stop) or replace.")
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(help="Encode over a Ray cluster: ray (one here, or this machine), or ray://HOST:10001."),
    ] = None,
) -> None:
    """Tokenize a corpus into memory-mapped shards; run it again to resume after an interruption."""
    from ...progress import during

    with during("loading"):
        from ...run.config import Config
        from ...text.shards.prepare import prepare

    config = Config.load(recipe, [*(overrides or []), *([f"errors={errors}"] if errors else [])])
    shards = prepare(config.corpus, config.tokenizer, config.evaluation.held_out, config.errors, folder=out, over=over)
    for name, split in (("train", shards.train), ("valid", shards.valid)):
        typer.echo(
            f"{name}  {len(split.bytes):>9,} documents  {split.words.sum():>12,} words  {len(split.tokens):>12,} tokens"
        )
    typer.echo(
        f"unknown {shards.unknown_share:.2%} of the tokens, dropped {shards.dropped_share:.2%} of the characters"
    )
    typer.echo(f"shards  {out or shards.folder}")
