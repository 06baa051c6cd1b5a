"""Tables for the terminal."""

from typing import Any

from rich import table
from rich.text import Text


class Table(table.Table):
    """A table whose strings are text, `[x]` and `:x:` included; only a `Text` has a style."""

    def __init__(self, *headers: Any, title: str | None = None, caption: str | None = None, **options: Any):
        named = {"title": _text(title, "table.title"), "caption": _text(caption, "table.caption")}
        super().__init__(*headers, **named, **({"box": None, "header_style": "bold"} | options))

    def add_column(self, header: Any = "", *rest: Any, **options: Any) -> None:
        super().add_column(_text(header), *rest, **options)

    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(*map(_text, cells), **options)


def written(number: float | None) -> str:
    """A number in a cell: a count whole, what was measured to four decimals; nothing where there is none."""
    return "" if number is None else f"{number:,}" if isinstance(number, int) else f"{number:,.4f}"


def on_one_line(text: str) -> str:
    """A text with the ends of its lines in sight."""
    return text.replace("\n", "⏎")


def _text(part: Any, style: str = "") -> Any:
    return Text(part, style) if isinstance(part, str) else part
