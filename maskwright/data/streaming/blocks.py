"""The blocks of a corpus on disk: a folder of shards each, written when asked for.

A small record of each stays when its folder is deleted: how many rows it has, which says where in the run it is read,
and the hash of its tokens, which it must have again when it is made again.
"""

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from ...storage import sealed
from ...storage.cache import cache_folder, file_lock, key, say_remade
from ...text.corpus import Corpus, Document, Errors
from ...text.shards.layout import text_hash
from ...text.shards.prepare import corpus_key, training_texts
from ...text.shards.shards import Shards, drop_damaged, share_of, tokenize
from ...text.tokenizers.tokenizer import Tokenizer, TokenizerSettings
from ..pack import Pack, pack
from .cut import Block, cut


@dataclass(frozen=True)
class BlockSettings:
    """What the blocks of a corpus follow from; another process can take it."""

    open_corpus: Callable[[], Corpus]
    tokenizer: TokenizerSettings
    held_out: float
    """The share of documents held out."""
    errors: Errors
    characters: int
    """Characters of training text in a block, at least."""
    length: int
    """Positions in a row."""


@dataclass(frozen=True)
class Record:
    """What stays known of a block that is deleted."""

    fingerprint: str
    """The hash of its tokens and of the tokenizer."""
    first: int
    """Number of the first of its rows among those of all blocks."""
    rows: int
    left_out: int
    """Documents left out because they are among the corpus's own validation documents."""


class Blocks:
    """The blocks of a corpus, numbered from 0.

    progress: whether writing the first one shows a bar.
    """

    def __init__(self, settings: BlockSettings, progress: bool = False):
        self.settings, self.progress = settings, progress
        self.corpus = settings.open_corpus()
        self.share = share_of(self.corpus, settings.held_out, settings.errors)
        made = corpus_key(self.corpus, settings.tokenizer, self.share, settings.errors)
        self.folder = cache_folder() / "streams" / key(made, settings.characters, settings.length)
        self._reading: Iterator[list[Document]] = iter(())
        self._next: int | None = None
        """The block that `_reading` gives next."""

    @property
    def count(self) -> int | None:
        """How many there are; None until the end of the corpus has been read."""
        found = self._kept("end", dict[str, int | str], "the end of a stream")
        return found["blocks"] if found else None

    @cached_property
    def first(self) -> Shards:
        """The first block, which has the validation text."""
        self.write(0)
        return Shards.open(self._place(0))

    def record(self, number: int) -> Record | None:
        """What is known of a block; None when it was never written."""
        found = self._kept(f"{number:06}", Record, "the record of a block")
        return Record(**found) if found else None

    def _kept(self, name: str, kind: Any, what: str) -> dict[str, Any] | None:
        """What is known under a name; None when nothing is. What was damaged is made anew, which is said."""
        path = self.folder / f"{name}.json"
        try:
            return sealed.read(path, kind, what)
        except ValueError as error:
            if path.exists():
                say_remade(str(error))
                path.unlink()
            return None

    def ready(self, number: int) -> bool:
        """Whether a block is on disk."""
        return self._place(number).exists() and self.record(number) is not None

    def load(self, number: int) -> Pack:
        """The training rows of a block that is on disk, memory-mapped."""
        known = self.record(number)
        assert known
        with file_lock(self.folder / "open"):
            train = Shards.open(self._place(number)).train
        return dataclasses.replace(pack(train, self.first.vocabulary, self.settings.length), first=known.first)

    def keep_only(self, numbers: set[int]) -> None:
        """Delete all blocks but these; whoever has loaded one can go on reading it."""
        with file_lock(self.folder / "open"):
            for place in self.folder.iterdir():
                if place.name.isdecimal() and int(place.name) not in numbers:
                    shutil.rmtree(place)

    def write(self, number: int) -> None:
        """Write a block unless it is on disk, or the corpus ends before it. The one before it was written once.

        Raises ValueError as `tokenize` does, and when it is made again and differs.
        """
        with file_lock(self.folder / "write"):
            for wanted in (0, number):  # the tokenizer is that of the first
                drop_damaged(self._place(wanted))
                if not self.ready(wanted) and (self.count is None or wanted < self.count):
                    self._write(wanted)

    def _write(self, number: int) -> None:
        if number and not self.record(number - 1):  # it says where this one begins
            self._write(number - 1)
        texts = self._read(number)
        if texts is None:
            sealed.write(self.folder / "end.json", {"blocks": number})
            return
        kept = [document for document in texts if text_hash(document.text.encode()) not in self._set_apart]
        sources = ", ".join(source.name for source in self.corpus.sources())
        block = Block(f"{sources}, block {number}", kept, None if number else self._valid)
        shards = tokenize(
            block, self._tokenizer(block, number), self._place(number), self.share,
            workers=1, errors=self.settings.errors, progress=self.progress and not number,
        )  # fmt: skip
        before, known = self.record(number - 1), self.record(number)
        rows = len(pack(shards.train, shards.vocabulary, self.settings.length))
        found = Record(shards.fingerprint, before.first + before.rows if before else 0, rows, len(texts) - len(kept))
        if known and known != found:
            shutil.rmtree(self._place(number))
            raise ValueError(f"block {number} of {sources} is not what it was: the text was changed while it is in use")
        sealed.write(self.folder / f"{number:06}.json", dataclasses.asdict(found))

    def _read(self, number: int) -> list[Document] | None:
        """The documents of a block; None behind the last one. Any but the next one is read for from the beginning."""
        if number != self._next:
            documents = self.corpus.documents(self.settings.errors)
            self._reading = islice(cut(documents, self.settings.characters, self.share), number, None)
        self._next = number + 1
        return next(self._reading, None)

    def _tokenizer(self, block: Block, number: int) -> Tokenizer:
        """That of the first block, which is learned from its training text unless a file is given."""
        if number:
            return Shards.open(self._place(0)).tokenizer
        texts = training_texts(block, self.share, self.settings.errors)
        return Tokenizer.train(texts, self.settings.tokenizer)

    @cached_property
    def _valid(self) -> list[Document] | None:
        """The corpus's own validation documents."""
        found = self.corpus.validation_documents(self.settings.errors)
        return None if found is None else list(found)

    @cached_property
    def _set_apart(self) -> set[int]:
        """The hashes of their texts."""
        return {text_hash(document.text.encode()) for document in self._valid or ()}

    def _place(self, number: int) -> Path:
        return self.folder / f"{number:06}"
