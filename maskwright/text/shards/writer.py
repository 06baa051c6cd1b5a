"""Append chunks to the arrays of the two splits, with commits that survive a kill.

A document's split follows from the hash of its text, unless the corpus has its own validation documents; of those, the
ones that also occur in training are dropped and counted.
"""

import os
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..tokenizers.tokenizer import Tokenizer
from .encode import Chunk
from .journal import Journal
from .layout import DOCUMENT, data_files, held_out

COMMIT = 8
"""Chunks between commits."""

MOST_DOMAINS = 1 << 16


class Writer:
    """The arrays of one folder, open for appending: `add` chunks, then `commit`."""

    def __init__(self, folder: Path, journal: Journal, tokenizer: Tokenizer, share: float) -> None:
        self.journal = journal
        self._folder = folder
        self._tokenizer = tokenizer
        self._share = share
        self._chunks = 0
        self._closing = ExitStack()
        self._files = {name: self._closing.enter_context((folder / name).open("ab")) for name in data_files()}
        for name, file in self._files.items():
            file.truncate(journal.sizes[name])

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def add(self, chunk: Chunk) -> None:
        """Append the documents of `chunk` to their splits, and commit every few chunks."""
        records = chunk.documents.copy()
        records["domain"] = [self._domain(name) for name in chunk.domains]
        chunk = replace(chunk, documents=records)
        if chunk.held_out:
            self._append("valid", chunk, ~self._overlapping(chunk))
        else:
            valid = held_out(records["hash"], self._share)
            self._append("train", chunk, ~valid)
            self._append("valid", chunk, valid)
        self.journal.documents += len(records)
        self.journal.bytes += int(records["bytes"].sum())
        self.journal.dropped += chunk.dropped
        self.journal.characters += chunk.characters
        self._chunks += 1
        if self._chunks % COMMIT == 0:
            self.commit()

    def commit(self) -> None:
        """Sync the arrays to disk, then the journal: in the other order it could count bytes that are lost."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        self.journal.save(self._folder)

    def _domain(self, name: str) -> int:
        domains = self.journal.domains
        if name not in domains:
            if len(domains) == MOST_DOMAINS:
                raise ValueError(f"the corpus has more than {MOST_DOMAINS} domains: put several in one file")
            domains.append(name)
        return domains.index(name)

    def _append(self, split: str, chunk: Chunk, chosen: np.ndarray) -> None:
        """Append the documents where `chosen` [D] bool is True."""
        lengths = np.diff(chunk.documents["end"], prepend=0)
        tokens = np.repeat(chosen, lengths)
        records = chunk.documents[chosen]
        start = self.journal.sizes[f"{split}.tokens"] // chunk.tokens.itemsize
        records["end"] = start + np.cumsum(lengths[chosen])
        self._write(f"{split}.tokens", chunk.tokens[tokens])
        self._write(f"{split}.word_starts", chunk.word_starts[tokens])
        self._write(f"{split}.documents", records)

    def _write(self, name: str, array: np.ndarray) -> None:
        self._files[name].write(array.tobytes())
        self.journal.sizes[name] += array.nbytes

    @cached_property
    def _train_hashes(self) -> np.ndarray:
        """[D] uint64, sorted; used once the training split is complete."""
        self._files["train.documents"].flush()
        return np.sort(np.fromfile(self._folder / "train.documents", dtype=DOCUMENT)["hash"])

    def _overlapping(self, chunk: Chunk) -> np.ndarray:
        """[D] bool, documents that also occur in training; counts them and keeps the first as an example."""
        hashes, train = chunk.documents["hash"], self._train_hashes
        twice = np.searchsorted(train, hashes, side="right") > np.searchsorted(train, hashes, side="left")
        self.journal.overlap["documents"] += int(twice.sum())
        self.journal.overlap["words"] += int(chunk.documents["words"][twice].sum())
        if twice.any() and not self.journal.example:
            ends = np.r_[0, chunk.documents["end"]]
            first = int(np.argmax(twice))
            tokens = chunk.tokens[ends[first] : ends[first + 1]][:40]
            self.journal.example = self._tokenizer.decode(tokens).strip()[:80]
        return twice
