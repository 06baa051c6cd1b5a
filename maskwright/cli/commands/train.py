"""maskwright train"""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

ORDER = 40
EXAMPLES = """Examples

  maskwright train quickstart --out first
  maskwright train quickstart objective.name=whole_word training.steps=1000 \\
      --out words
  maskwright train quickstart "corpus.files=[texts/,more.jsonl.gz]" \\
      tokenizer.size=8192 --out mine
  maskwright train first/config.yaml seed=1 --out again
  maskwright train --resume --out first
  # a model that is there goes on with the text of a domain
  maskwright train adapt training.init_from=FOLDER "corpus.files=[domain/]" \\
      evaluation.knew=general.txt
  # as many steps as this machine makes in 4 minutes
  maskwright train quickstart training.fit_minutes=4 --out demo
  # two processes, one model
  maskwright train quickstart --nproc 2 --out two
  torchrun --nnodes 2 --nproc-per-node 8 --rdzv-endpoint HOST:29400 \\
      -m maskwright train run.yaml --out /shared/run
"""


def command(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="A recipe's name, a YAML file, or the folder of an earlier run. With --resume it may be left out.",
            show_default=False,
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="SECTION.KEY=VALUE", help="Changes to it; `maskwright options` lists every key."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The run's folder.")] = Path("run"),
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the newest intact checkpoint in OUT.")] = False,
    nproc: Annotated[int, typer.Option(min=1, max=1024, help="Data-parallel processes on this machine.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="No bar: what is trained, and one line of result.")] = False,
) -> None:
    """Train a model: from text to a run's folder with checkpoints, metrics, the final model and a report."""
    from ... import __version__
    from ...files.secrets import hide
    from ...progress import during

    recipe, overrides = _begun([word for word in (recipe, *(overrides or [])) if word], out if resume else None)
    if "RANK" not in os.environ:  # before what takes seconds to load, and once for all ranks
        typer.echo(hide(f"maskwright {__version__}: {recipe}, into {out}"), err=True)

    with during("loading", not quiet):
        from ...display.run_report import write
        from ...evaluate.suites._evaluate import evaluate_folder
        from ...run.config import Config
        from ...training.fit import fit
        from ...training.interrupt import Stopped
        from ...training.trainer import Trainer
        from ..launch import launch

    config = Config.load(recipe, overrides)
    if nproc > 1:
        raise typer.Exit(launch(nproc, out))
    trainer = Trainer(fit(config, out, resume, show=not quiet), out, resume, show=not quiet)
    try:
        trainer.train()
    except Stopped as stopped:
        if trainer.world.first:
            typer.echo(f"{stopped}", err=True)
        trainer.world.leave(130)
        raise typer.Exit(130) from None
    if trainer.world.first:
        if knew := config.evaluation.knew:
            typer.echo(json.dumps(evaluate_folder("adaptation", out, Path(knew)), indent=1), err=quiet)
        said = write(out)
        typer.echo(said.partition("\n")[0] if quiet else said)
    trainer.world.leave(0)


def _begun(words: list[str], resumed: Path | None) -> tuple[str, list[str]]:
    """The recipe and the changes to it; the recipe of a resumed run need not be named."""
    if words and ("=" not in words[0] or Path(words[0]).exists()):
        return words[0], words[1:]
    if resumed and (resumed / "config.yaml").is_file():
        return str(resumed), words
    nothing = f"{resumed} holds no run to resume; " if resumed else ""
    raise typer.BadParameter(f"{nothing}give one, as in: maskwright train quickstart", param_hint="recipe")
