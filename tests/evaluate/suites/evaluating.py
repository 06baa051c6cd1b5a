"""`maskwright evaluate`, as tests call it."""

import typer
from typer.testing import CliRunner

from maskwright.cli.commands.evaluate import command


def said(*arguments: object) -> str:
    """What it prints on a wide terminal; it must succeed."""
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout
