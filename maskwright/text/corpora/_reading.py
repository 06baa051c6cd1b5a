"""Files of text as streams of documents, in bounded memory whatever the size of the file or of its documents.

What ends a document depends on the kind of file: a blank line in `.txt`; a line in `.jsonl`; a row in `.parquet`; a
blank line or a fixed number of lines in the `.train`, `.dev` and `.test` files of BabyLM, which mark no documents.
"""

import codecs
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..corpus import Errors, Source

BLOCK = 1 << 20
"""Bytes read at once."""

COMPRESSED = (".gz", ".zst", ".bz2", ".lz4")

BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True)
class Reading:
    """How files are cut into documents."""

    errors: Errors = "strict"
    field: str = "text"
    """Where the text stands: the field of a `.jsonl` object, the column of a `.parquet` file."""
    longest: int = 200_000
    """Characters after which a document is cut, at the end of a line where there is one."""
    lines: int = 100
    """Lines that make a document in BabyLM's files."""


def kind(path: Path) -> str:
    """The suffix that says how `path` is read, without the one of its compression."""
    return (path.with_suffix("") if path.suffix in COMPRESSED else path).suffix


def domain(path: Path) -> str:
    """The name of the file without its suffixes: `bnc_spoken` for `bnc_spoken.train`."""
    return (path.with_suffix("") if path.suffix in COMPRESSED else path).stem


def source(path: Path, validation: bool) -> Source:
    """A file as a source: another size or time of change makes it another."""
    facts = path.stat()
    plain = path.suffix not in (*COMPRESSED, ".parquet")
    version = f"{facts.st_size}-{facts.st_mtime_ns}"
    return Source(str(path.resolve()), version, facts.st_size if plain else None, validation)


def texts(path: Path, reading: Reading) -> Iterator[str]:
    """The documents of one file, none of them blank.

    Raises ValueError for a kind of file that is not in READERS, a field or column that is not there, JSON that is
    malformed, and bytes that are not UTF-8.
    """
    if kind(path) not in READERS:
        raise ValueError(f"{path} is not a kind of file that can be read: there is {', '.join(READERS)}")
    for text in READERS[kind(path)](path, reading):
        for piece in pieces(text, reading.longest):
            if piece.strip():
                yield piece.strip("\n")


def pieces(text: str, longest: int) -> Iterator[str]:
    """`text` in pieces of at most `longest` characters, cut after a line or else after a space where there is one."""
    start = 0
    while len(text) - start > longest:
        end = max(text.rfind("\n", start, start + longest), text.rfind(" ", start + longest // 2, start + longest)) + 1
        yield text[start : end or start + longest]
        start = end or start + longest
    if start < len(text):
        yield text[start:]


def blocks(path: Path, errors: Errors) -> Iterator[str]:
    """The decoded, decompressed file in blocks of about a megabyte, its line ends made `\\n`."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(errors), translate=True)
    done = 0
    with pa.input_stream(str(path), compression="detect") as file:
        while True:
            block = file.read(BLOCK)
            done += len(block)
            try:
                yield decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise ValueError(_not_utf8(path, error, done)) from None
            if not block:
                return


def _not_utf8(path: Path, error: UnicodeDecodeError, done: int) -> str:
    at = done - len(error.object) + error.start
    return f"{path} is not UTF-8: byte {error.object[error.start]:#04x} at position {at}; errors=replace reads on"


def paragraphs(path: Path, reading: Reading) -> Iterator[str]:
    """What stands between blank lines; the start of an endless paragraph is given out before its end is seen."""
    rest = ""
    for block in blocks(path, reading.errors):
        *whole, rest = BLANK_LINE.split(rest + block)
        yield from whole
        if len(rest) > reading.longest + BLOCK:
            *whole, rest = pieces(rest, reading.longest)
            yield from whole
    yield rest


def lines(path: Path, reading: Reading) -> Iterator[str]:
    """The lines of a file; one of more than `longest` characters comes in several."""
    rest = ""
    for block in blocks(path, reading.errors):
        *whole, rest = (rest + block).split("\n")
        yield from whole
        if len(rest) > reading.longest + BLOCK:
            *whole, rest = pieces(rest, reading.longest)
            yield from whole
    yield rest


def grouped_lines(path: Path, reading: Reading) -> Iterator[str]:
    """Documents of BabyLM's files: up to a blank line, and at most `reading.lines` lines."""
    group: list[str] = []
    for line in lines(path, reading):
        if group and (not line.strip() or len(group) == reading.lines):
            yield "\n".join(group)
            group = []
        if line.strip():
            group.append(line)
    yield "\n".join(group)


def json_lines(path: Path, reading: Reading) -> Iterator[str]:
    """The field of the object on each line."""
    for number, line in enumerate(_whole_lines(path, reading.errors), 1):
        if line.strip():
            yield _field(line, reading, f"{path}, line {number}")


def _whole_lines(path: Path, errors: Errors) -> Iterator[str]:
    rest: list[str] = []
    for block in blocks(path, errors):
        first, *others = block.split("\n")
        rest.append(first)
        for line in others:
            yield "".join(rest)
            rest = [line]
    yield "".join(rest)


def _field(line: str, reading: Reading, where: str) -> str:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where} is not JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(value, dict) or not isinstance(value.get(reading.field), str):
        found = ", ".join(value) if isinstance(value, dict) else type(value).__name__
        raise ValueError(f"{where} has no text in the field {reading.field!r}: it has {found}")
    return without_surrogates(value[reading.field], reading.errors, where)


def without_surrogates(text: str, errors: Errors, where: str) -> str:
    """`text`, which JSON can give halves of characters that no UTF-8 can hold."""
    try:
        return text.encode("utf-8", "surrogatepass").decode("utf-8", errors)
    except UnicodeDecodeError:
        raise ValueError(f"{where} holds half a character (a lone surrogate); errors=replace reads on") from None


def columns(path: Path, reading: Reading) -> Iterator[str]:
    """The text column of a parquet file, batch by batch; rows without a text are passed over."""
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        if reading.field not in names:
            raise ValueError(f"{path} has no column {reading.field!r}: it has {', '.join(names)}")
        for batch in file.iter_batches(batch_size=256, columns=[reading.field]):
            for text in batch.column(0).to_pylist():
                if not isinstance(text, str | None):
                    raise ValueError(f"{path}: the column {reading.field!r} holds no text but {text!r}")
                if text is not None:
                    yield text


READERS: dict[str, Callable[[Path, Reading], Iterator[str]]] = {
    ".txt": paragraphs,
    ".jsonl": json_lines,
    ".parquet": columns,
    ".train": grouped_lines,
    ".dev": grouped_lines,
    ".test": grouped_lines,
}
