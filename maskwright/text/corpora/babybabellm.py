"""English, Dutch and Chinese of BabyBabelLM, in the folders of its data sets: the multilingual track of BabyLM.

Its budget is in words that mean as much as English ones. Where blanks do not tell words, or words are longer, bytes do:
a text of B bytes in UTF-8 counts B / (premium · bytes of an English word), by the byte premium of its language (Arnett,
Chang and Bergen 2024, "A bit of a problem: measurement disparities in dataset sizes across languages").
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ...files.names import kind, visible
from ...settings import settings
from ...settings.bounds import MOST_TEXT
from ..corpus import Document, Errors, Source
from ._reading import READERS, Reading, documents, source

PREMIUMS = {"eng": 1.0, "nld": 1.0516057206199363, "zho": 0.9359663917979646}
"""Bytes of a text for each byte of the same text in English, by NLLB (Arnett et al. 2024); Chinese is simplified."""
ENGLISH = 5.25
"""Bytes of an English word with the blank behind it, about, in speech and books as those of BabyLM."""

Share = Annotated[float, Field(ge=0)]


@settings
class Babybabellm:
    """Three languages, each up to its share of the words."""

    folder: str
    """The folder that holds the organisers' data sets `babylm-eng`, `babylm-nld` and `babylm-zho`, with parquet or JSON
    lines in each."""
    words: Annotated[int, Field(ge=1, le=MOST_TEXT)] = 100_000_000
    """English words that all texts count together, at most."""
    eng: Share = 1.0
    """Weight of English in the mixture; 0 leaves it out."""
    nld: Share = 1.0
    """Weight of Dutch."""
    zho: Share = 1.0
    """Weight of Chinese."""
    field: str = "text"
    """The column of the text."""

    def __post_init__(self) -> None:
        if not self._shares():
            raise ValueError("eng, nld and zho are all 0: give one of them a weight")

    def documents(self, errors: Errors) -> Iterator[Document]:
        """Raises ValueError when a language has no files, and for what `corpora._reading.texts` refuses."""
        return chain.from_iterable(self._read(language, share, errors) for language, share in self._shares().items())

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """None: a share of the documents is held out."""
        return None

    def sources(self) -> list[Source]:
        """Path, size and time of the last change of each file."""
        return [source(path, validation=False) for language in self._shares() for path in self._files(language)]

    def _shares(self) -> dict[str, float]:
        """Each language that is in the mixture, and its part of it."""
        weights = {"eng": self.eng, "nld": self.nld, "zho": self.zho}
        return {language: weight / sum(weights.values()) for language, weight in weights.items() if weight}

    def _files(self, language: str) -> list[Path]:
        folder = Path(self.folder).expanduser() / f"babylm-{language}"
        found = sorted(path for path in visible(folder.rglob("*"), folder) if kind(path) in READERS and path.is_file())
        if not found:
            raise ValueError(f"corpus.folder={self.folder!r} holds no babylm-{language} with {', '.join(READERS)}")
        return found

    def _read(self, language: str, share: float, errors: Errors) -> Iterator[Document]:
        """The documents of a language until they count their share of the words."""
        left, reading = self.words * share, Reading(errors=errors, field=self.field)
        for document in chain.from_iterable(documents(path, reading) for path in self._files(language)):
            count = english_words(document.text, language)
            if count > left:
                return
            left -= count
            yield Document(document.text, language, count)


def english_words(text: str, language: str) -> int:
    """How many English words a text of the language counts: those between its blanks in English, else by its bytes."""
    if language == "eng":
        return len(text.split())
    return max(1, round(len(text.encode()) / (PREMIUMS[language] * ENGLISH)))
