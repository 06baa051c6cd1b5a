"""Score the texts of a file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...files import tables
from ...files.errors import listing
from ...files.json_files import objects
from ...files.names import JSON_LINES, kind
from ...files.parquet import check_text, read_parquet
from ...files.text import lines
from .by_token import by_token
from .jsonl import check
from .scorer import Scorer, Scores, Text
from .windows import Windows

PAIR = ("sentence_good", "sentence_bad")
DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Item:
    """A text or a pair of texts, and what else its line holds."""

    texts: tuple[str, ...]
    columns: dict[str, Any] = field(default_factory=dict)
    """The other columns or fields."""


def items(path: Path, column: str | None = None) -> list[Item]:
    """The texts of a file: one per line; of a table the cells of `column`; in JSON the field `column` of each object,
    or a pair in BLiMP's fields. By default the column is `text`.

    Raises ValueError, with file and line, when a line is empty or lacks its field.
    """
    readers = dict.fromkeys((*JSON_LINES, ".json"), _objects) | dict.fromkeys(DELIMITERS, _rows)
    readers[".parquet"] = _parquet
    if column and kind(path) not in readers:
        raise ValueError(f"{path} has no columns: it holds a text per line; tables are .csv, .tsv, .parquet and .jsonl")
    numbered = list(readers.get(kind(path), _lines)(path, column))
    if empty := [number for number, item in numbered if not all(text.strip() for text in item.texts)]:
        raise ValueError(f"{path}:{empty[0]}: there is no text")
    if not numbered:
        raise ValueError(f"{path} is empty: it holds no texts")
    return [item for _, item in numbered]


def _lines(path: Path, _: str | None) -> Iterator[tuple[int, Item]]:
    return ((number, Item((line,))) for number, line in lines(path))


def _rows(path: Path, column: str | None) -> Iterator[tuple[int, Item]]:
    for row in tables.rows(path, (column,) if column else (), DELIMITERS[kind(path)]):
        rest = dict(row.cells)
        yield row.line, Item((_popped(rest, column or "text", f"{path}:1"),), rest)


def _parquet(path: Path, column: str | None) -> Iterator[tuple[int, Item]]:
    table, name = read_parquet(path), column or "text"
    if name in table.column_names:
        check_text(table.schema.field(name).type, f"{path}: the column {name!r}")
    for number, row in enumerate(table.to_pylist(), 1):
        yield number, Item((_popped(row, name, path) or "",), row)


def _popped(cells: dict[str, Any], name: str, place: str | Path) -> Any:
    """The text in column `name`, which is taken out. Raises ValueError where there is none."""
    if name not in cells:
        raise ValueError(f"{place}: no column {name!r}: name another by --column: {listing(map(repr, cells))}")
    return cells.pop(name)


def _objects(path: Path, column: str | None) -> Iterator[tuple[int, Item]]:
    """Line number and item; the first object decides whether the file holds texts or pairs."""
    fields: tuple[str, ...] = (column,) if column else ()
    for number, found in objects(path):
        fields = fields or (PAIR if PAIR[0] in found else ("text",))
        check(found, dict.fromkeys(fields, str), f"{path}:{number}")
        rest = {name: value for name, value in found.items() if name not in fields}
        yield number, Item(tuple(found[name] for name in fields), rest)


def likelihoods(scorer: Scorer, lines: list[tuple[str, ...]], windows: Windows | None = None) -> list[dict[str, Any]]:
    """For each text its log-likelihood in nats, per token and per byte; for a pair both, and which is `likelier`.

    A text without a token that is scored, such as one of unknown characters alone, has None in their place.
    windows: how to split longer texts; without it one that is longer than the model's maximum raises ValueError.
    """
    scores = scorer((Text(text) for line in lines for text in line), windows)
    flat = iter(range(len(scores.tokens)))
    return [_line(scores, line, flat) for line in lines]


def _line(scores: Scores, line: tuple[str, ...], places: Any) -> dict[str, Any]:
    found = [_figures(scores, next(places), text) for text in line]
    if len(found) == 1:
        return found[0]
    good, bad = (one["log_likelihood"] for one in found)
    likelier = "neither" if None in (good, bad) or not (good > bad or bad > good) else PAIR[bad > good]
    return dict(zip(PAIR, found, strict=True)) | {"likelier": likelier}


def _figures(scores: Scores, place: int, text: str) -> dict[str, Any]:
    names = {"log_likelihood": "text", "per_token": "token", "per_byte": "byte"}
    tokens = int(scores.tokens[place])
    figures = {name: float(scores.per(unit)[0, place]) if tokens else None for name, unit in names.items()}
    return {"text": text} | figures | {"tokens": tokens, "bytes": int(scores.bytes[place])}


def surprisals(scorer: Scorer, text: str) -> list[tuple[str, float]]:
    """Each token of `text` (as the part of the text it covers) with −ln p in nats; NaN for special tokens."""
    (found,) = by_token(scorer, [text])
    return list(zip(scorer.tokenizer.slices(text), (-found.log_prob).tolist(), strict=True))
