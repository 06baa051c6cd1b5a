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
        Literal["hf", "hf-code"],
        typer.Option(
            help="hf: a class of transformers where there is one. hf-code: maskwright's modelling file in any case, "
            "which transformers opens from 4.51 on."
        ),
    ] = "hf",
    causal: Annotated[
        bool | None, typer.Option("--causal/--masked", help="As a causal or a masked model; by default as trained.")
    ] = None,
) -> None:
    """Export trained models to folders that `transformers` loads, with tokenizer and model card."""
    from ...progress import during

    with during("loading"):
        from ...hub.export.run import export
        from ...run.discover import models
        from ...run.load import load

    several = {path: out / path.name for path in models(run).values()}
    for source, target in (several or {run: out}).items():
        with during(f"exporting {source}"):
            said = export(load(source, "cpu"), target, causal, own_code=to == "hf-code")
        typer.echo(said)
        typer.echo(target)
