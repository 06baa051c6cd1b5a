"""maskwright finetune"""

import json
from pathlib import Path
from typing import Annotated

import typer

ORDER = 78
EXAMPLES = """Examples

  # sentences or pairs with labels: train.jsonl and valid.jsonl
  maskwright finetune first --data FOLDER/finetune/mr --out reviews
  # words with tags: train.conll and valid.conll, or word_TAG in train.txt
  maskwright finetune first --data FOLDER/masc_pos --out tagger lr=1e-4
  # any model of transformers
  maskwright finetune bert-base-uncased --data FOLDER/ner --out ner epochs=3
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run, a checkpoint, or any model of transformers.")],
    options: Annotated[
        list[str] | None, typer.Argument(metavar="OPTION=VALUE", help="lr=2e-5 epochs=3 batch=16 seed=1 …")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="The folder of one task.")] = None,
    out: Annotated[Path, typer.Option(help="The folder to write, empty or new.")] = Path("finetuned"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fine-tune a model for classes or scores of texts, or tags of words, and write it as `transformers` opens it."""
    from rich.console import Console

    from ...progress import during

    with during("loading"):
        from ...display.metrics import metrics
        from ...hub.export.finetuned import Options, finetune, read_task
        from ...run.load import load
        from ...settings import from_mapping, override

    settings = from_mapping(Options, override({}, options or []), "finetune")
    task = read_task(data, settings.limit)
    with during(f"fine-tuning {run} on {task.name}"):
        numbers = finetune(load(run), task, settings, out)
    typer.echo(json.dumps(numbers)) if as_json else Console().print(metrics(numbers))
    typer.echo(out, err=as_json)
