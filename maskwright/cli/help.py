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
    """A command whose epilog is its examples. An option that it does not have may be a setting, written otherwise."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            written = [one.metavar for one in self.params if "=" in (one.metavar or "")]
            if written and hasattr(error, "option_name"):  # click's NoSuchOption, of which newer typer has its own
                error.message = f"{error}; settings are written without dashes, as {written[0]}"  # type: ignore[attr-defined]
            raise


class GroupHelp(_Examples, TyperGroup):  # type: ignore[misc]
    """All commands; the epilog is the journey through them."""
