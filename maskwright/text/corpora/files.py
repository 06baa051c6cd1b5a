"""Your own files: texts, JSON, parquet, and the files of BabyLM.

Files, folders and globs are read in the order given, the files of a folder or glob by name. A file's name without its
suffixes is the domain of its documents.
"""

import glob
from collections.abc import Iterator
from itertools import chain, takewhile
from pathlib import Path

from ...files.errors import listing, note
from ...files.names import COMPRESSED, kind, visible
from ...settings import Names, settings
from ...settings.bounds import PositiveInt
from ..corpus import Document, Errors, Source
from ._reading import READERS, Reading, documents, source


@settings
class Files:
    """Text in files: .txt (a blank line ends a document), .json, .jsonl, .ndjson, .parquet, .train/.dev/.test, any of
    them compressed (.gz, .bz2, .xz, .zst, .lz4)."""

    files: Names
    """Files, folders (read with all that is below them) and globs; a single name, or several with commas or as a list.
    Hidden files and folders are skipped."""
    valid: Names = ()
    """The same for validation; without any, a share of the documents is held out."""
    field: str = "text"
    """What holds the text: a field of JSON objects, the column of a .parquet file."""
    max_chars: PositiveInt = 200_000
    """Characters after which a document is cut, at the end of a line where there is one."""
    lines_per_document: PositiveInt = 100
    """Lines that make a document in .train, .dev and .test files, unless a blank line ends it sooner."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """Raises ValueError when nothing is found, and for what `corpora._reading.texts` refuses."""
        return self._read(self.files, "files", errors)

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """None when `valid` is empty."""
        return self._read(self.valid, "valid", errors) if self.valid else None

    def sources(self) -> list[Source]:
        """Path, size and time of the last change of each file."""
        train = (source(path, validation=False) for path in found(self.files, "files"))
        return [*train, *(source(path, validation=True) for path in (found(self.valid, "valid") if self.valid else []))]

    def _read(self, patterns: tuple[str, ...], field: str, errors: Errors) -> Iterator[Document]:
        reading = Reading(
            errors=errors, field=self.field, max_chars=self.max_chars, lines_per_document=self.lines_per_document
        )
        return chain.from_iterable(documents(path, reading) for path in found(patterns, field))


def found(patterns: tuple[str, ...], field: str) -> list[Path]:
    """The files behind `patterns`, each once."""
    if not patterns:
        raise ValueError(f"corpus.{field} is empty: name files, folders or globs")
    return list(dict.fromkeys(chain.from_iterable(_matches(pattern, field) for pattern in patterns)))


def _matches(pattern: str, field: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.is_file():
        return [path]
    root = path if path.is_dir() else Path(*takewhile(lambda part: not glob.has_magic(part), path.parts))
    below = path.rglob("*") if path.is_dir() else map(Path, glob.glob(str(path), recursive=True))
    files = sorted(visible(filter(Path.is_file, below), root))
    of_others = [file for file in files if kind(file) not in READERS]
    ours = [file for file in files if kind(file) in READERS and _ours(file, root)]
    if len(of_others) + len(ours) == len(files):
        endings = ", ".join(READERS)
        place = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise ValueError(
            f"corpus.{field}: no file at {pattern!r}{place} that ends in {endings} (or with {', '.join(COMPRESSED)})"
        )
    if of_others:
        endings = listing(sorted({kind(file) or "no suffix" for file in of_others}))
        note(f"{pattern}: skipped files of other kinds ({len(of_others):,}): {endings}")
    if ours:
        note(f"{pattern}: skipped files of runs and of tokenized text ({len(ours):,}): {listing(ours)}")
    skipped = {*of_others, *ours}
    return [file for file in files if file not in skipped]


def _ours(file: Path, root: Path) -> bool:
    """Whether a folder below `root` that holds `file` is a run, or text that was tokenized."""
    folders = takewhile(lambda folder: folder != root, file.parents)
    return any(all((folder / name).is_file() for name in names) for folder in folders for names in WRITTEN)


WRITTEN = (("manifest.json", "tokenizer.json"), ("config.yaml", "metrics.jsonl"))
"""The files that tell such a folder."""
