"""maskwright export"""

from pathlib import Path
from typing import Annotated, Literal

import typer

ORDER = 80
EXAMPLES = """Examples

  # as it was trained, masked or causal
  maskwright export first model
  # a hybrid model as a causal one
  maskwright export hybrid model --causal
  # for transformers before 4.54, which has no causal ModernBERT
  maskwright export judge model --to hf-code
  maskwright export first/checkpoints/step-500 chck_1M
  # vectors of texts
  maskwright export first model --to sentence-transformers --pooling cls
  # all that training.keep_at kept, as models/chck_1M …
  maskwright export first/words models
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run, a checkpoint, or a folder of several checkpoints.")],
    out: Annotated[
        Path,
        typer.Argument(help="The folder to write, empty or new; with a subfolder for each of several checkpoints."),
    ],
    to: Annotated[
        Literal["hf", "hf-code", "sentence-transformers"],
        typer.Option(
            help="hf: a class of transformers where there is one. hf-code: maskwright's modelling file in any case, "
            "which transformers opens from 4.51 on. sentence-transformers: as hf, and a model for vectors of texts."
        ),
    ] = "hf",
    pooling: Annotated[
        Literal["mean", "cls", "lasttoken"] | None,
        typer.Option(help="For sentence-transformers; by default the mean, or the last token of a causal model."),
    ] = None,
    causal: Annotated[
        bool | None, typer.Option("--causal/--masked", help="As a causal or a masked model; by default as trained.")
    ] = None,
) -> None:
    """Export trained models to folders that `transformers` loads, with tokenizer and model card."""
    from ...progress import during

    with during("loading"):
        from ...hub.export import sentences
        from ...hub.export.run import export, way
        from ...run.discover import models
        from ...run.load import load

    several = {path: out / path.name for path in models(run).values()}
    for source, target in (several or {run: out}).items():
        with during(f"exporting {source}"):
            opened = load(source, "cpu")
            typer.echo(export(opened, target, causal, own_code=to == "hf-code"))
        if to == "sentence-transformers":
            typer.echo(sentences.write(target, way(opened.objective, causal)[0], pooling))
        typer.echo(target)
