"""Tokenized text on disk: `tokenize` writes it once, `Shards` opens it, memory-mapped.

A folder is complete or absent: it is written as `FOLDER.partial` and renamed, and a killed tokenization resumes there
to byte-identical files.
"""

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from ...storage import sealed
from ...storage.atomic import FULL
from ...storage.cache import cache_folder, file_lock, key, say_remade
from ..corpus import Corpus, Errors
from ..tokenizers.tokenizer import Tokenizer
from ..tokenizers.vocabulary import Vocabulary
from . import verify
from .encode import Work, chunks, encode_all
from .encode_ray import encode_over
from .journal import resume
from .layout import DOCUMENT, FORMAT, token_type
from .manifest import describe
from .progress import with_progress
from .writer import Writer

MAX_OVERLAP = 0.01
"""Largest share of the words of a corpus's own validation documents that may also occur in training."""
SAMPLE = 1 << 24
"""Tokens that unknown ones are counted among."""


@dataclass(frozen=True)
class Split:
    """Consecutive documents: T tokens, D documents."""

    tokens: np.ndarray  # [T] uint16 or uint32, memory-mapped
    word_starts: np.ndarray  # [T] uint8, memory-mapped, 1 where a word starts
    offsets: np.ndarray  # [D + 1] int64, document d is tokens[offsets[d] : offsets[d + 1]]
    hashes: np.ndarray  # [D] uint64, of the text
    domains: np.ndarray  # [D] uint16, index into Shards.domains
    bytes: np.ndarray  # [D] int64, UTF-8 length of the text
    words: np.ndarray  # [D] int64, words between blanks

    def counts(self, size: int, chunk: int = 1 << 22) -> np.ndarray:
        """[V] int64, occurrences of each of `size` ids."""
        parts = (self.tokens[begin : begin + chunk] for begin in range(0, len(self.tokens), chunk))
        return sum((np.bincount(part, minlength=size) for part in parts), np.zeros(size, np.int64))


@dataclass(frozen=True, eq=False)
class Shards:
    """A folder of tokenized text; create with `open`."""

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: str | Path) -> "Shards":
        """Raises ValueError when `folder` holds no shards, shards of another format, or changed files."""
        folder = Path(folder)
        if not (folder / "manifest.json").is_file():
            raise ValueError(f"{folder} holds no tokenized text: it has no manifest.json")
        manifest = verify.manifest(folder / "manifest.json")
        verify.check(folder, manifest["files"])
        return cls(folder, manifest)

    def verify(self) -> None:
        """Hash every file. Raises ValueError when one was changed."""
        verify.verify(self.folder, self.manifest["files"])
        self.check(self.tokenizer)

    def check(self, tokenizer: Tokenizer) -> None:
        """Raises ValueError when `tokenizer` is not the one that made these tokens."""
        wanted = self.manifest["tokenizer"]["sha256"]
        if tokenizer.fingerprint != wanted:
            raise ValueError(
                f"{self.folder} was tokenized with the tokenizer {wanted[:12]}, not with {tokenizer.fingerprint[:12]}: "
                "use the one in that folder, or tokenize anew"
            )

    @property
    def domains(self) -> list[str]:
        """Domain names, indexed by `Split.domains`."""
        return [domain["name"] for domain in self.manifest["domains"]]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of tokens and tokenizer."""
        return self.manifest["fingerprint"]

    @cached_property
    def train(self) -> Split:
        """The training split."""
        return self._split("train")

    @cached_property
    def valid(self) -> Split:
        """The validation split; may be empty."""
        return self._split("valid")

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that made the tokens. Raises ValueError when another is there."""
        found = Tokenizer.load(self.folder)
        self.check(found)
        return found

    @property
    def vocabulary(self) -> Vocabulary:
        """Its vocabulary."""
        return self.tokenizer.vocabulary

    @cached_property
    def unknown_share(self) -> float:
        """The proportion of unknown tokens in the training split, of its first 16 million: text that was lost."""
        tokens = self.train.tokens[:SAMPLE]
        return float(np.mean(tokens == self.tokenizer.unknown)) if len(tokens) else 0.0

    @property
    def text(self) -> dict[str, int]:
        """`characters` of all documents without whitespace, and how many of them the tokenizer has `dropped`."""
        return dict(self.manifest.get("text", {"characters": 0, "dropped": 0}))  # older shards did not count

    @property
    def dropped_share(self) -> float:
        """The proportion of characters that no token stands for: text that was lost."""
        return self.text["dropped"] / max(self.text["characters"], 1)

    def _split(self, name: str) -> Split:
        records = np.fromfile(self.folder / f"{name}.documents", dtype=DOCUMENT)
        return Split(
            tokens=_mapped(self.folder / f"{name}.tokens", token_type(self.manifest["tokenizer"]["size"])),
            word_starts=_mapped(self.folder / f"{name}.word_starts", np.dtype(np.uint8)),
            offsets=np.r_[np.int64(0), records["end"]],
            hashes=records["hash"].copy(),
            domains=records["domain"].copy(),
            bytes=records["bytes"].copy(),
            words=records["words"].copy(),
        )


def drop_damaged(folder: Path) -> None:
    """Remove shards of the cache that are not what was written, so that they are made anew, which is said."""
    if not folder.exists():
        return
    try:
        assert Shards.open(folder).tokenizer
    except ValueError as error:
        say_remade(str(error).partition(": tokenize anew")[0])
        shutil.rmtree(folder)


def _mapped(path: Path, dtype: np.dtype) -> np.ndarray:
    return np.memmap(path, dtype=dtype, mode="r") if path.stat().st_size else np.zeros(0, dtype=dtype)


def tokenize(
    corpus: Corpus,
    tokenizer: Tokenizer,
    folder: str | Path,
    validation: float = 0.05,
    workers: int | None = None,
    errors: Errors = "strict",
    progress: bool = True,
    over: str | None = None,
) -> Shards:
    """Write `corpus` as shards to `folder`, resume a killed attempt, or open what is there already.

    validation: share of documents held out, unless the corpus has its own validation documents.
    workers: processes for a corpus of more than a megabyte (default: one per core). Processes are spawned, so a script
    must call this under `if __name__ == "__main__":`.
    over: a Ray cluster instead, as in `encode_over`.
    Raises ValueError for whatever the corpus refuses, an empty corpus, validation documents that also occur in
    training, a full disk, and a folder that holds something else.
    """
    folder = Path(folder)
    share = share_of(corpus, validation, errors)
    name = key(FORMAT, repr(corpus), listed(corpus), tokenizer.fingerprint, share, errors)
    with file_lock(cache_folder() / "locks" / key(str(folder.resolve()))), _disk_full_as_value_error(folder):
        if folder.exists() and any(folder.iterdir()):
            return _same(Shards.open(folder), name)
        aside = folder.with_name(f"{folder.name}.partial")
        aside.mkdir(parents=True, exist_ok=True)
        journal = resume(aside, name)
        work = _work(corpus, errors, journal.documents)
        with Writer(aside, journal, tokenizer, share) as writer:
            found = encode_over(tokenizer, work, over) if over else encode_all(tokenizer, work, workers)
            for chunk in with_progress(found, journal, corpus.sources(), progress):
                writer.add(chunk)
            writer.commit()
        _finish(aside, folder, describe(aside, journal, tokenizer, corpus.sources(), share), tokenizer)
    return Shards.open(folder)


def share_of(corpus: Corpus, validation: float, errors: Errors) -> float:
    """The share of documents to hold out: 0 where the corpus has its own validation documents, else `validation`.

    Raises ValueError unless `validation` is in [0, 1).
    """
    if not 0 <= validation < 1:
        raise ValueError(f"validation={validation}: the share of documents held out is at least 0 and below 1")
    return validation if corpus.validation_documents(errors) is None else 0.0


def listed(corpus: Corpus) -> list[dict[str, Any]]:
    """The sources of `corpus`, JSON-serialisable, for a key."""
    return [dataclasses.asdict(source) for source in corpus.sources()]


def _work(corpus: Corpus, errors: Errors, done: int) -> Iterator[Work]:
    """Chunks of what remains after the first `done` documents; the corpus's own validation documents come last."""
    train = ((document, False) for document in corpus.documents(errors))
    valid = ((document, True) for document in corpus.validation_documents(errors) or ())
    for apart, group in groupby(islice(chain(train, valid), done, None), key=itemgetter(1)):
        for chunk in chunks(document for document, _ in group):
            yield chunk, apart


def _finish(aside: Path, folder: Path, manifest: dict[str, Any], tokenizer: Tokenizer) -> None:
    """Refuse an unusable result, else move the folder to its place."""
    problem = _problem(manifest)
    if problem:
        shutil.rmtree(aside)
        raise ValueError(problem)
    tokenizer.save(aside)
    (aside / "journal.json").unlink()
    sealed.write(aside / "manifest.json", manifest)
    aside.replace(folder)
    verify.trust(folder, manifest["files"])


def _problem(manifest: dict[str, Any]) -> str:
    valid, overlap = manifest["splits"]["valid"], manifest["validation"]["overlap"]
    if not manifest["splits"]["train"]["documents"]:
        held_out = f"all {valid['documents']} documents are held out" if valid["documents"] else "it has no documents"
        return f"the corpus is empty: {held_out}"
    if overlap["words"] > MAX_OVERLAP * (valid["words"] + overlap["words"]):
        return (
            f"{overlap['documents']} of {valid['documents'] + overlap['documents']} validation documents stand in "
            f"training too, as {overlap['example']!r}: take them out of one side"
        )
    return ""


def _same(shards: Shards, name: str) -> Shards:
    if shards.manifest["key"] != name:
        raise ValueError(f"{shards.folder} holds other tokenized text already: remove it or choose another folder")
    return shards


@contextmanager
def _disk_full_as_value_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise ValueError(f"the disk is full: make room and tokenize to {folder} again, it resumes there") from None
