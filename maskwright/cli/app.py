"""The commands. Each is a file in `commands/`; here they are put in the order of the journey, and errors get a voice.

Whatever a user can mend is one sentence and exit code 2; `--debug` shows the traceback, and so does an error in code
from outside the package. `--trust-code` lets a run open that names such code.
"""

import logging
import os
import sys
from importlib import import_module
from traceback import format_exception

import typer
from rich.console import Console
from rich.text import Text

from .. import __version__
from ..files.secrets import hide, refuse
from ..progress import Warnings
from ..settings import outside
from ..settings.registry import files
from .help import CommandHelp, GroupHelp
from .waiting import share_cores

JOURNEY = """The journey

  # a model from the documentation inside your Python, in minutes
  maskwright train quickstart --out first
  maskwright fill first "The [MASK] returns a string."
  maskwright masks "Masks are drawn anew in each epoch."
  # your own text, another objective
  maskwright train quickstart "corpus.files=[texts/]" objective.name=span \\
      --out second
  maskwright evaluate second validation

Add --debug to any command for the traceback behind an error, and --trust-code
to one that opens a run with code from outside maskwright.
"""

app = typer.Typer(
    name="maskwright",
    help="Pretrain small language models under any masking objective.",
    epilog=JOURNEY,
    cls=GroupHelp,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", "-V", help="Print the version and exit.")) -> None:
    if version:
        typer.echo(f"maskwright {__version__}")
        raise typer.Exit
    share_cores()


def register() -> None:
    """Add every file in `commands/` to the app, by its ORDER."""
    modules = [import_module(f"maskwright.cli.commands.{name}") for name in files("cli.commands")]
    for module in sorted(modules, key=lambda module: module.ORDER):
        name = module.__name__.rpartition(".")[2]
        app.command(name.replace("_", "-"), cls=CommandHelp, epilog=module.EXAMPLES)(module.command)


def main() -> None:
    """Run the command line; the entry point of `maskwright`."""
    debug = "--debug" in sys.argv
    if "--trust-code" in sys.argv:
        os.environ[outside.TRUST] = "1"
    sys.argv = [argument for argument in sys.argv if argument not in ("--debug", "--trust-code")]
    register()
    warnings = Warnings(logging.WARNING) if os.environ.get("RANK", "0") == "0" else logging.NullHandler()
    logging.getLogger("maskwright").addHandler(warnings)
    try:
        refuse(sys.argv)
        typer.main.get_command(app)()
    except Exception as error:
        if debug or outside.raised_there(error) or not isinstance(error, ValueError | OSError | ImportError):
            sys.stderr.write(hide("".join(format_exception(error))))
            sys.exit(1)
        sentence = Text.assemble(("error:", "bold red"), f" {hide(_sentence(error))}")
        Console(stderr=True).print(sentence, soft_wrap=True)
        sys.exit(2)
    finally:
        logging.getLogger("maskwright").removeHandler(warnings)


def _sentence(error: BaseException) -> str:
    from ..storage.atomic import FULL

    if isinstance(error, OSError) and error.errno in FULL:
        what = error.filename or "a file"
        return f"the disk is full: {what} could not be written; make room and run the command again"
    return str(error) or type(error).__name__
