"""Texts that are at hand in Python: `Config(corpus=["a text", "another"])`."""

import hashlib
from collections.abc import Iterator
from typing import Annotated

from ...settings import Listed, settings
from ..corpus import Document, Errors, Source


@settings
class Memory:
    """Texts given as a list, each a document. The run's config.yaml holds them whole: keep larger corpora in files."""

    texts: Annotated[tuple[str, ...], Listed]
    """The documents."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """Raises ValueError when there are none."""
        if not any(text.strip() for text in self.texts):
            raise ValueError("corpus.texts is empty: give a list of texts")
        return (Document(text, "memory") for text in self.texts if text.strip())

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """None: a share of the documents is held out."""
        return None

    def sources(self) -> list[Source]:
        """The hash of the texts."""
        digest = hashlib.sha256()
        for text in self.texts:
            digest.update(hashlib.sha256(text.encode()).digest())  # so that no two lists of texts are alike
        return [Source("texts in memory", digest.hexdigest(), sum(len(text.encode()) for text in self.texts))]
