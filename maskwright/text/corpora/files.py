"""Your own files: texts, JSON lines, parquet, and the files of BabyLM.

Files, folders and globs are read in the order given, the files of a folder or glob by name. A file's name without its
suffixes is the domain of its documents.
"""

import glob
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from ...settings import settings
from ..corpus import Document, Errors, Source
from ._reading import COMPRESSED, READERS, Reading, domain, kind, source, texts


@settings
class Files:
    """Text in files: .txt (a blank line ends a document), .jsonl, .parquet, .train/.dev/.test; .gz and .zst of them."""

    files: tuple[str, ...]
    """Files, folders (read with all that is below them) and globs."""
    valid: tuple[str, ...] = ()
    """The same for validation; without any, a share of the documents is held out."""
    field: str = "text"
    """Where the text stands: the field of a .jsonl object, the column of a .parquet file."""
    longest: int = 200_000
    """Characters after which a document is cut, at the end of a line where there is one."""
    lines: int = 100
    """Lines that make a document in .train, .dev and .test files, unless a blank line ends it sooner."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """Raises ValueError when nothing is found, and for what `text.reading.texts` refuses."""
        return self._read(self.files, "files", errors)

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """None when `valid` is empty."""
        return self._read(self.valid, "valid", errors) if self.valid else None

    def sources(self) -> list[Source]:
        """Path, size and time of the last change of each file."""
        train = (source(path, validation=False) for path in found(self.files, "files"))
        return [*train, *(source(path, validation=True) for path in (found(self.valid, "valid") if self.valid else []))]

    def _read(self, patterns: tuple[str, ...], knob: str, errors: Errors) -> Iterator[Document]:
        reading = Reading(errors=errors, field=self.field, longest=self.longest, lines=self.lines)
        for path in found(patterns, knob):
            yield from (Document(text, domain(path)) for text in texts(path, reading))


def found(patterns: tuple[str, ...], knob: str) -> list[Path]:
    """The files behind `patterns`, each once."""
    if not patterns:
        raise ValueError(f"corpus.{knob} is empty: name files, folders or globs")
    return list(dict.fromkeys(chain.from_iterable(_matches(pattern, knob) for pattern in patterns)))


def _matches(pattern: str, knob: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.is_file():
        return [path]
    below = path.rglob("*") if path.is_dir() else map(Path, glob.glob(str(path), recursive=True))
    files = sorted(file for file in below if file.is_file() and kind(file) in READERS)
    if not files:
        endings = ", ".join(READERS)
        raise ValueError(
            f"corpus.{knob}: no file at {pattern!r} that ends in {endings} (or with {', '.join(COMPRESSED)})"
        )
    return files
