"""The folders of the BabyLM challenge: `train_10M/*.train` or `train_100M/*.train` to train on, `dev/*.dev` beside.

The files hold lines and mark no documents; a blank line or a fixed number of lines ends one.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

from ...files.names import kind, of_kind
from ...settings import settings
from ...settings.bounds import PositiveInt
from ..corpus import Document, Errors, Source
from ._reading import Reading, documents, source


@settings
class Babylm:
    """The corpora of the BabyLM challenge in their official folders."""

    folder: str
    """The folder that holds `train_10M`, `train_100M` and `dev`, or the training folder itself."""
    track: Literal["10M", "100M"] = "10M"
    """How many words to train on: strict-small or strict."""
    lines_per_document: PositiveInt = 100
    """Lines that make a document, unless a blank line ends it sooner."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """Raises ValueError when the folder has no such files."""
        return self._read(self._train(), errors)

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """None when there is no `dev` folder."""
        return self._read(self._dev(), errors) if self._dev() else None

    def sources(self) -> list[Source]:
        """Name, size and time of the last change of each file."""
        return [source(path, kind(path) == ".dev") for path in (*self._train(), *self._dev())]

    def _train(self) -> list[Path]:
        folder = Path(self.folder).expanduser()
        files = of_kind(folder / f"train_{self.track}", ".train") or of_kind(folder, ".train")
        if not files:
            raise ValueError(f"corpus.folder={self.folder!r} holds no train_{self.track}/*.train files of BabyLM")
        return files

    def _dev(self) -> list[Path]:
        return of_kind(self._train()[0].parent.parent / "dev", ".dev")

    def _read(self, files: list[Path], errors: Errors) -> Iterator[Document]:
        reading = Reading(errors=errors, lines_per_document=self.lines_per_document)
        return chain.from_iterable(documents(path, reading) for path in files)
