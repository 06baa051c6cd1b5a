"""A stream of documents cut into blocks. Where a block ends follows from the documents alone, so that a block that was
deleted can be made again and equals what it was."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ...text.corpus import Document, Errors, Source
from ...text.shards.layout import held_out, text_hash


@dataclass(frozen=True)
class Block:
    """Consecutive documents of a corpus, themselves a corpus."""

    name: str
    texts: list[Document] = field(repr=False)
    valid: list[Document] | None = field(default=None, repr=False)
    """The validation documents of the corpus itself, which the first block takes."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """The documents to train on, and to hold out from."""
        return iter(self.texts)

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """Those that the corpus sets apart; None when it sets none apart, and for later blocks."""
        return None if self.valid is None else iter(self.valid)

    def sources(self) -> list[Source]:
        """The block itself, as one source."""
        return [Source(self.name, "", sum(len(document.text) for document in self.texts))]


def cut(documents: Iterable[Document], characters: int, share: float) -> Iterator[list[Document]]:
    """`documents` in lists, each with at least `characters` of training text; a rest of less than half ends the last.

    share: the proportion that is held out by the hash of its text, which does not count.
    """
    waiting: list[Document] = []
    for block, size in _filled(documents, characters, share):
        if waiting and 2 * size >= characters:
            yield waiting
            waiting = []
        waiting += block
    if waiting:
        yield waiting


def _filled(documents: Iterable[Document], characters: int, share: float) -> Iterator[tuple[list[Document], int]]:
    """Lists of documents with the characters of training text in each; all but the last have `characters` or more."""
    block: list[Document] = []
    size = 0
    for document in documents:
        block.append(document)
        size += (
            0 if held_out(np.array([text_hash(document.text.encode())], np.uint64), share).any() else len(document.text)
        )
        if size >= characters:
            yield block, size
            block, size = [], 0
    if block:
        yield block, size
