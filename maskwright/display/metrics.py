"""Metrics and mask predictions as tables for the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from ..sampling.fill import MASK_TEXT, Blank
from .accuracies import scores
from .accuracies import table as scores_table
from .elements.table import Table, written
from .series import series
from .series import table as rows_table
from .side_by_side import columns
from .side_by_side import table as columns_table
from .validation import METRICS, lines


def metrics(numbers: Mapping[str, float]) -> RenderableType:
    """Metrics as tables: exams, accuracies with intervals, columns side by side, series (`layers/3/forward/loss`), and
    the rest as a list."""
    exams = lines(numbers)
    numbers = {name: number for name, number in numbers.items() if not (exams and _in_a_line(name))}
    sure, beside = scores(numbers), columns(numbers)
    bounded = {f"{name}{end}" for name in beside for end in ("", "_low", "_high")}
    numbers = {name: number for name, number in numbers.items() if name.rpartition("/")[0] not in sure}
    numbers = {name: number for name, number in numbers.items() if name.rpartition("/")[2] not in bounded}
    found = series(numbers)
    rest = {name: number for name, number in numbers.items() if not series({name: number})}
    tables: list[RenderableType] = [*exams, *([_list(rest)] if rest else [])]
    tables += [scores_table(sure)] if sure else []
    tables += [columns_table(beside)] if beside else []
    return Group(*tables, *(rows_table(what, rows) for what, rows in found.items()))


def _in_a_line(name: str) -> bool:
    """Whether the lines of a validation already show this metric."""
    parts = name.split("/")
    return not {"domain", "frequency"}.intersection(parts) and parts[-1] in METRICS


def _list(numbers: Mapping[str, float]) -> Table:
    table = Table("metric")
    table.add_column("value", justify="right")
    for name, number in numbers.items():
        table.add_row(name, written(number))
    return table


def readable(guesses: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Guesses without the blank before a word; in quotes, as Python writes them, where only whitespace would tell one
    from another."""
    plain = [token.strip() for token, _ in guesses]
    return [
        (text if text and plain.count(text) == 1 else repr(token), share)
        for text, (token, share) in zip(plain, guesses, strict=True)
    ]


def blanks(text: str, found: Sequence[Blank]) -> RenderableType:
    """A text with its masks in colour, and the predictions for each."""
    line = Text(text)
    line.highlight_words([MASK_TEXT], "bold black on yellow")
    table = Table(show_header=False, padding=(0, 2))
    for number, blank in enumerate(found, 1):
        guesses = [Text.assemble(f"{guess} ", (f"{share:.1%}", "dim")) for guess, share in readable(blank.guesses)]
        table.add_row(*([f"{number}."] if len(found) > 1 else []), *guesses)
    return Group(line, table)
