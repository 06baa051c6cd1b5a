"""Help with examples below it, printed as they stand: what can be copied is neither wrapped nor marked up."""

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class _Examples:
    epilog: str | None

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:
        examples, self.epilog = self.epilog, None
        super().format_help(ctx, formatter)  # type: ignore[misc]
        self.epilog = examples
        typer.echo(examples)


class CommandHelp(_Examples, TyperCommand):  # type: ignore[misc]
    """A command whose epilog is its examples."""


class GroupHelp(_Examples, TyperGroup):  # type: ignore[misc]
    """All commands; the epilog is the journey through them."""
