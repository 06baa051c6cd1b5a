"""maskwright import-config"""

from pathlib import Path
from typing import Annotated

import typer

ORDER = 15
EXAMPLES = """Examples

  # LTG-BERT, as in babylm-baseline
  maskwright import-config model_babylm_ltg_bert.json --out run.yaml
  # Aether
  maskwright import-config configs/mlm_example.yaml
  # AMLM: python train_mask.py --mlm_prob 0.4 …
  maskwright import-config train.sh
  maskwright train run.yaml "corpus.files=[texts/]" --out run
"""


def command(
    file: Annotated[Path, typer.Argument(help="A JSON or YAML file, or a script with command-line flags.")],
    out: Annotated[Path | None, typer.Option(help="The YAML to write; by default it is printed.")] = None,
) -> None:
    """Convert a config of another system; every key that is not converted is listed."""
    from ...progress import during

    with during("loading"):
        from ...hub.convert.config import convert

        imported = convert(file)
    if out is None:
        typer.echo(imported.text(), nl=False)
        return
    if out.exists():
        raise ValueError(f"{out} exists already: choose another --out")
    out.write_text(imported.text(), encoding="utf-8")
    typer.echo("\n".join([*imported.lines(), f"{out}"]))
