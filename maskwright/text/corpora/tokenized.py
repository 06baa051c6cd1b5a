"""Text that `maskwright tokenize` has written, in one or more folders or URLs."""

from collections.abc import Iterator
from itertools import pairwise

from ...settings import Names, settings
from ..corpus import Document, Errors, Source
from ..shards.concatenate import concatenate
from ..shards.remote import fetch, is_url
from ..shards.shards import Shards, Split


@settings
class Tokenized:
    """Tokenized text; the tokenizer and the validation split are those that it was written with."""

    folders: Names
    """Folders and URLs (s3://bucket/shards) with the same tokenizer; together they are one corpus."""

    def __post_init__(self) -> None:
        if not self.folders:
            raise ValueError("corpus.folders is empty: name what `maskwright tokenize … --out FOLDER` wrote")

    def tokenized(self, progress: bool = True) -> Shards:
        """All of it. Raises ValueError as `Shards.open`, `fetch` and `concatenate` do."""
        places = [fetch(place, progress) if is_url(place) else place for place in self.folders]
        return concatenate([Shards.open(place) for place in places], progress)

    def documents(self, errors: Errors) -> Iterator[Document]:
        """The training documents, decoded from their tokens."""
        return _spelled(self.tokenized(), "train")

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """The validation documents, decoded."""
        return _spelled(self.tokenized(), "valid")

    def sources(self) -> list[Source]:
        """All of it as one source, identified by its hash."""
        shards = self.tokenized()
        sizes = [int(split.bytes.sum()) for split in (shards.train, shards.valid)]
        return [Source(", ".join(self.folders), shards.fingerprint, sum(sizes))]


def _spelled(shards: Shards, name: str) -> Iterator[Document]:
    split: Split = getattr(shards, name)
    for (begin, end), domain in zip(pairwise(split.offsets), split.domains, strict=True):
        yield Document(shards.tokenizer.decode(split.tokens[begin:end]), shards.domains[domain])
