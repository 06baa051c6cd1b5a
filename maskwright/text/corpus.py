"""A corpus is a stream of documents with an identity.

The files in `corpora/` are the corpora; each is a settings class with the three methods of `Corpus`. Documents are
streamed in a fixed order; a corpus is never held in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..files.text import Errors

__all__ = ["Corpus", "Document", "Errors", "Source"]


@dataclass(frozen=True, slots=True)
class Document:
    """One text, and the part of the corpus it belongs to."""

    text: str
    domain: str
    words: int | None = None
    """How many words it counts where that is not the number between its blanks."""
    answer: int | None = None
    """The character at which its answer begins, one blank behind its prompt; None where it is not a pair."""
    room: int = 0
    """Tokens that the answer has room for."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The prompt and the answer, or the text."""
        return (self.text,) if self.answer is None else (self.text[: self.answer - 1], self.text[self.answer :])


@dataclass(frozen=True)
class Source:
    """One thing that a corpus is read from; a changed source is another corpus."""

    name: str
    version: str
    """Differs when the content does: a hash, or size and time of the last change."""
    bytes: int | None = None
    """About how many bytes of text it holds, where that is known without reading it."""
    validation: bool = False


class Corpus(Protocol):
    """What every file in `corpora/` offers."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """The documents to train on (and to hold out from), in order.

        Raises ValueError with one sentence for missing or empty sources and, when `errors` is `strict`, for bytes that
        are not UTF-8.
        """
        ...

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """The documents that the corpus itself sets apart for validation; None when it sets none apart."""
        ...

    def sources(self) -> list[Source]:
        """What the documents are read from: part of the key under which shards are cached."""
        ...
