"""WikiText-2 and -103: articles of Wikipedia, in the files of their authors or of the Hub.

Merity et al. 2016, Pointer Sentinel Mixture Models (arXiv 1609.07843), section 4. The files hold lines; a heading of
the first level, ` = Title = `, begins an article.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

from ...files.names import COMPRESSED
from ...settings import settings
from ..corpus import Document, Errors, Source
from ._reading import Reading, columns, lines, pieces, source

TITLE = re.compile(r"\s*= (?!=).*(?<!=) =\s*")
DOMAIN = "wikitext"


@settings
class Wikitext:
    """WikiText-2 or WikiText-103 from a folder: `wiki.train.tokens` or `.raw`, or the parquet files of the Hub."""

    folder: str
    """The folder that holds `wiki.train.tokens` or `wiki.train.raw`, or `train-….parquet`, and those of validation
    (`wiki.valid.tokens`, `validation-….parquet`). Those of test are not read."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """An article each. Raises ValueError when the folder has no such files."""
        return _articles(self._files("train"), errors)

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """None when the folder has none."""
        return _articles(files, errors) if (files := self._files("valid")) else None

    def sources(self) -> list[Source]:
        """Name, size and time of the last change of each file."""
        parts: list[Literal["train", "valid"]] = ["train", "valid"]
        return [source(path, part == "valid") for part in parts for path in self._files(part)]

    def _files(self, part: Literal["train", "valid"]) -> list[Path]:
        folder = Path(self.folder).expanduser()
        names = [f"wiki.{part}.{form}{end}" for form in ("tokens", "raw") for end in ("", *COMPRESSED)]
        found = [path for name in names if (path := folder / name).is_file()][:1]
        found = found or sorted(folder.glob("validation-*.parquet" if part == "valid" else "train-*.parquet"))
        if part == "train" and not found:
            wanted = "wiki.train.tokens, wiki.train.raw or train-*.parquet"
            raise ValueError(f"corpus.folder={self.folder!r} holds no {wanted}")
        return found


def _articles(files: list[Path], errors: Errors) -> Iterator[Document]:
    reading = Reading(errors=errors)  # in the Hub's parquet files, each row of the column `text` is a line
    found = (columns(path, reading) if path.suffix == ".parquet" else lines(path, reading) for path in files)
    cut = (piece for article in articles(chain.from_iterable(found)) for piece in pieces(article, reading.max_chars))
    return (Document(piece, DOMAIN) for piece in cut)


def articles(found: Iterable[str]) -> Iterator[str]:
    """The articles in lines: each begins with a title, which follows a blank line or is the first."""
    article: list[str] = []
    blank = True
    for line in found:
        if blank and TITLE.fullmatch(line) and article:
            yield "\n".join(article)
            article = []
        if not (blank := not line.strip()):
            article.append(line.strip())
    if article:
        yield "\n".join(article)
