"""Data sets of the Hugging Face hub, or a local folder in their layout, streamed and never downloaded as a whole.

Needs the extra `hub` (`pip install maskwright[hub]`).
"""

import importlib
import importlib.util
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ...files.errors import cut
from ...settings import settings
from ...settings.bounds import PositiveInt
from ..corpus import Document, Errors, Source
from ._reading import Reading, pieces, text_of, without_nulls


@settings
class Hub:
    """A data set by its name on the hub, or a local folder of JSON lines or parquet."""

    dataset: str
    """`owner/name`, or a folder."""
    config: str | None = None
    """Which of its configurations, where it has several."""
    split: str = "train"
    """The split to train on."""
    valid_split: str | None = None
    """The split to validate on; without one, a share of the documents is held out."""
    field: str = "text"
    """The column that holds the text."""
    revision: str | None = None
    """A commit or tag of the data set; name one, and the corpus stays what it is."""
    max_chars: PositiveInt = 200_000
    """Characters after which a document is cut, at the end of a line where there is one."""
    max_documents: PositiveInt | None = None
    """Rows of the training split to read, from its first; None reads all of it. The validation split is read whole."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """Raises ValueError when `datasets` is missing, or the data set, split or column is."""
        return self._read(self.split, errors, self.max_documents)

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """None without `valid_split`."""
        return self._read(self.valid_split, errors) if self.valid_split else None

    def sources(self) -> list[Source]:
        """The data set as it is named; what stands behind the name is taken on trust."""
        named = [(self.split, False)] + ([(self.valid_split, True)] if self.valid_split else [])
        version = f"{self.config or 'default'}@{self.revision or 'main'}"
        if self.max_documents:
            named[0] = (f"{self.split}[:{self.max_documents}]", False)
        return [Source(f"{self.dataset}:{split}", version, validation=validation) for split, validation in named]

    def _read(self, split: str, errors: Errors, limit: int | None = None) -> Iterator[Document]:
        name, reading = self.dataset.rstrip("/").rpartition("/")[2], Reading(errors=errors, field=self.field)
        rows = enumerate(islice(self._rows(split), limit), 1)
        found = (text_of(row, reading, f"{self.dataset}, row {number}") for number, row in rows)
        for text in without_nulls(found, self.dataset, self.field):
            yield from (Document(piece, name) for piece in pieces(text, self.max_chars) if piece.strip())

    def _rows(self, split: str) -> Iterator[dict[str, Any]]:
        if importlib.util.find_spec("datasets") is None:
            raise ValueError("the corpus hub needs the package datasets: pip install maskwright[hub]")
        datasets = importlib.import_module("datasets")
        try:
            opened = datasets.load_dataset(
                self.dataset, self.config, split=split, revision=self.revision, streaming=True
            )
        except (FileNotFoundError, ConnectionError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"cannot open the split {split!r} of {self.dataset!r}: {reason}") from None
        try:
            yield from opened
        except Exception as error:  # whatever the reader of its format raises
            reason = cut(str(error).partition("\n")[0], 160)
            raise ValueError(f"cannot read the split {split!r} of {self.dataset!r}: {reason}") from None
