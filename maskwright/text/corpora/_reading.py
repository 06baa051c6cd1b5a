"""Files of text as streams of documents, in bounded memory whatever the size of the file or of its documents.

What ends a document depends on the kind of file: a blank line in `.txt`; an object in JSON; a row in `.parquet`; a
blank line or a fixed number of lines in the `.train`, `.dev` and `.test` files of BabyLM, which mark no documents.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files.compression import BLOCK, is_compressed
from ...files.errors import kind_of, listing, note
from ...files.json_files import objects
from ...files.names import kind, stem
from ...files.parquet import column_of_texts
from ...files.text import blocks
from ..corpus import Document, Errors, Source

BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True)
class Reading:
    """How files are cut into documents."""

    errors: Errors = "strict"
    field: str = "text"
    """What holds the text: a field of JSON objects, the column of a `.parquet` file."""
    max_chars: int = 200_000
    """Characters after which a document is cut, at the end of a line where there is one."""
    lines_per_document: int = 100
    """Lines that make a document in BabyLM's files."""


def source(path: Path, validation: bool) -> Source:
    """A file as a source: another size or time of change makes it another."""
    facts = path.stat()
    plain = kind(path) != ".parquet" and not is_compressed(path)
    version = f"{facts.st_size}-{facts.st_mtime_ns}"
    return Source(str(path.resolve()), version, facts.st_size if plain else None, validation)


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """The documents of one file, whose name without suffixes is their domain."""
    return (Document(text, stem(path)) for text in texts(path, reading))


def texts(path: Path, reading: Reading) -> Iterator[str]:
    """The documents of one file, none of them blank.

    Raises ValueError for a kind of file that is not in READERS, a field or column that is not there, JSON that is
    malformed, and bytes that are not UTF-8.
    """
    if kind(path) not in READERS:
        raise ValueError(f"{path} is not a kind of file that can be read: there is {', '.join(READERS)}")
    for text in READERS[kind(path)](path, reading):
        for piece in pieces(text, reading.max_chars):
            if piece.strip():
                yield piece.strip("\n")


def pieces(text: str, max_chars: int) -> Iterator[str]:
    """`text` in pieces of at most `max_chars` characters, cut after a line or else after a space where there is one."""
    start = 0
    while len(text) - start > max_chars:
        full = start + max_chars
        end = max(text.rfind("\n", start, full), text.rfind(" ", start + max_chars // 2, full)) + 1
        yield text[start : end or full]
        start = end or full
    if start < len(text):
        yield text[start:]


def paragraphs(path: Path, reading: Reading) -> Iterator[str]:
    """What lies between blank lines."""
    return _parts(path, reading, BLANK_LINE.split)


def lines(path: Path, reading: Reading) -> Iterator[str]:
    """The lines of a file; one of more than `max_chars` characters comes in several."""
    return _parts(path, reading, lambda text: text.split("\n"))


def _parts(path: Path, reading: Reading, split: Callable[[str], list[str]]) -> Iterator[str]:
    """What `split` makes of a file; the start of an endless part is yielded before its end is read."""
    rest = ""
    for block in blocks(path, reading.errors):
        *whole, rest = split(rest + block)
        yield from whole
        if len(rest) > reading.max_chars + BLOCK:
            *whole, rest = pieces(rest, reading.max_chars)
            yield from whole
    yield rest


def grouped_lines(path: Path, reading: Reading) -> Iterator[str]:
    """Documents of BabyLM's files: up to a blank line, and at most `reading.lines_per_document` lines."""
    group: list[str] = []
    for line in lines(path, reading):
        if group and (not line.strip() or len(group) == reading.lines_per_document):
            yield "\n".join(group)
            group = []
        if line.strip():
            group.append(line)
    yield "\n".join(group)


def json_objects(path: Path, reading: Reading) -> Iterator[str]:
    """A field of the objects in a file; those in which it is null are skipped."""
    rows = objects(path, reading.errors)
    return without_nulls((text_of(row, reading, f"{path}:{number}") for number, row in rows), path, reading.field)


def columns(path: Path, reading: Reading) -> Iterator[str]:
    """The text column of a parquet file; rows in which it is null are skipped."""
    return without_nulls(column_of_texts(path, reading.field, reading.errors), path, reading.field)


def without_nulls(found: Iterable[str | None], name: object, field: str) -> Iterator[str]:
    """The texts among `found`; how many there were none is logged."""
    missing = 0
    for text in found:
        if text is None:
            missing += 1
        else:
            yield text
    if missing:
        note(f"{name}: skipped {missing:,} row{'s' * (missing > 1)} in which {field!r} is null")


def text_of(row: Mapping[str, Any], reading: Reading, where: str) -> str | None:
    """The text in a row, None where it is null. Raises ValueError when there is none or something else."""
    if reading.field not in row:
        raise ValueError(f"{where}: no field {reading.field!r}: there is {listing(map(repr, row))}")
    found = row[reading.field]
    if not isinstance(found, str | None):
        raise ValueError(f"{where}: the field {reading.field!r} holds {kind_of(found)}, not a text")
    return found and without_surrogates(found, reading.errors, where)


def without_surrogates(text: str, errors: Errors, where: str) -> str:
    """`text`, which JSON can give halves of characters that no UTF-8 can hold."""
    try:
        return text.encode("utf-8", "surrogatepass").decode("utf-8", errors)
    except UnicodeDecodeError:
        raise ValueError(f"{where} holds half a character (a lone surrogate); errors=replace reads on") from None


READERS: dict[str, Callable[[Path, Reading], Iterator[str]]] = {
    ".txt": paragraphs,
    ".jsonl": json_objects,
    ".ndjson": json_objects,
    ".json": json_objects,
    ".parquet": columns,
    ".train": grouped_lines,
    ".dev": grouped_lines,
    ".test": grouped_lines,
}
