"""Minimal pairs in two columns: an acceptable and an unacceptable sentence, in JSON lines or a table.

The suites of the multilingual track of BabyLM are of this form. Their official figure is the mean over all items, and
so is the accuracy here; that of a file, named after it, is a row beside it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...files.names import JSON_LINES, kind, of_kind, stem
from ...files.tables import rows
from ...run.load import LoadedRun
from ..scoring import jsonl
from ..scoring.minimal_pairs import Item, ItemResults, accuracies
from ..scoring.scorer import Text
from ._pairs import Options, evaluate_pairs

TABLES = {".tsv": "\t", ".csv": ","}
"""The kinds of tables, and what separates their cells."""


def evaluate_columns(
    run: LoadedRun,
    data: Path | None,
    options: Options,
    task: str,
    columns: tuple[str, str],
    summary: Callable[[ItemResults], dict[str, float]] = accuracies,
) -> dict[str, float]:
    """Accuracy over all items, and by file.

    data: the folder of the files, or one that holds it under the name `task`.  columns: of the right and the wrong.
    """
    place = jsonl.folder(data, task, kinds=(*JSON_LINES, *TABLES))
    return evaluate_pairs(run, items(place, task, columns), options, (task, place.name), summary=summary)


def items(place: Path, task: str, columns: tuple[str, str]) -> Iterator[Item]:
    """The pairs of all files. Raises ValueError, with file and line, for a missing column or an empty sentence."""
    for path in of_kind(place, *JSON_LINES, *TABLES):
        for number, line in _lines(path, columns):
            jsonl.check(line, dict.fromkeys(columns, str), f"{path}:{number}")
            yield Item(tuple(Text(line[column]) for column in columns), {"file": stem(path), "task": task})


def _lines(path: Path, columns: tuple[str, str]) -> Iterator[tuple[int, dict[str, Any]]]:
    if kind(path) in JSON_LINES:
        yield from ((number, line) for _, number, line in jsonl.read(path, {}))
    else:
        separator = TABLES[kind(path)]
        for row in rows(path, columns, delimiter=separator, quotes=separator == ","):
            yield row.line, dict(row.cells)
