"""From corpus and settings to shards, made once and kept in the user's cache.

The tokenizer is trained on the training split only: held-out text must not shape the vocabulary. It is saved before
tokenizing starts, so that a killed run resumes with the same one.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import tokenizers

from ...files.errors import note
from ...progress import during
from ...storage import sealed
from ...storage.cache import cache_folder, file_lock, key
from ..corpus import Corpus, Errors
from ..tokenizers.tokenizer import Tokenizer, TokenizerSettings
from .layout import FORMAT, held_out, text_hash
from .remote import is_url, publish
from .shards import Shards, drop_damaged, listed, share_of, tokenize

SEAL = "sealed.json"
"""The file that records those of a tokenizer in the cache."""


@runtime_checkable
class PreTokenized(Protocol):
    """A corpus that is tokenized already."""

    def tokenized(self, progress: bool = True) -> Shards:
        """Its shards."""
        ...


def prepare(
    corpus: Corpus,
    tokenizer_settings: TokenizerSettings,
    validation: float = 0.05,
    errors: Errors = "strict",
    folder: str | Path | None = None,
    progress: bool = True,
    over: str | None = None,
) -> Shards:
    """The shards of `corpus`, from the cache if they are there.

    folder: write them here instead; for a URL, they are written to the cache and copied there.  over: as for
    `tokenize`. Concurrent processes are safe: one works, the others wait. Raises ValueError as `Tokenizer.train`,
    `tokenize` and `publish` do.
    """
    if folder is not None and is_url(str(folder)):
        shards = prepare(corpus, tokenizer_settings, validation, errors, None, progress, over)
        publish(shards.folder, str(folder), progress)
        return shards
    if isinstance(corpus, PreTokenized):
        return _ready(corpus, tokenizer_settings, folder, progress)
    share = share_of(corpus, validation, errors)
    name = corpus_key(corpus, tokenizer_settings, share, errors)
    with file_lock(cache_folder() / "locks" / name):
        kept = cache_folder() / "tokenizers" / name
        with during("learning a tokenizer", progress):
            tokenizer = _tokenizer(corpus, tokenizer_settings, share, errors, kept)
        place = Path(folder) if folder else cache_folder() / "shards" / key(name, tokenizer.fingerprint)
        if not folder:  # of a user's own folder nothing is removed
            drop_damaged(place)
        return tokenize(corpus, tokenizer, place, validation, errors=errors, progress=progress, over=over)


def _ready(corpus: PreTokenized, options: TokenizerSettings, folder: str | Path | None, progress: bool) -> Shards:
    """A pre-tokenized corpus brings its own tokenizer and location."""
    if folder is not None:
        raise ValueError(f"the corpus is tokenized already: it is not written to {folder}, only to a URL")
    shards = corpus.tokenized(progress)
    if options.file:
        shards.check(Tokenizer.load(options.file))
    return shards


def corpus_key(corpus: Corpus, options: TokenizerSettings, share: float, errors: Errors) -> str:
    learned = key(dataclasses.asdict(options), tokenizers.__version__)
    made = Tokenizer.load(options.file, options.add).fingerprint if options.file else learned
    made = key(made, options.new_words) if options.new_words else made
    return key(FORMAT, repr(corpus), listed(corpus), made, share, errors)


def _tokenizer(corpus: Corpus, options: TokenizerSettings, share: float, errors: Errors, kept: Path) -> Tokenizer:
    if options.file and not options.new_words:
        return Tokenizer.load(options.file, options.add)
    try:
        return _learned(kept)
    except ValueError as damage:
        if (kept / SEAL).exists():  # else a kill came between the two
            note(f"{damage}: learned anew")
    Tokenizer.train(training_texts(corpus, share, errors), options).save(kept)
    files = {path.name: sealed.fingerprint(path) for path in kept.glob("*.json") if path.name != SEAL}
    sealed.write(kept / SEAL, {"files": files})
    return _learned(kept)


def _learned(kept: Path) -> Tokenizer:
    """The tokenizer in the cache. Raises ValueError unless it is what was written there."""
    files = sealed.read(kept / SEAL, _Seal, "the seal of a tokenizer")["files"]
    if changed := list(sealed.damaged(kept, files)):
        raise ValueError(f"{kept / changed[0]} was changed since it was written")
    return Tokenizer.load(kept)


@dataclasses.dataclass
class _Seal:
    files: sealed.Files


def training_texts(corpus: Corpus, share: float, errors: Errors) -> Iterator[str]:
    empty = True
    for document in corpus.documents(errors):
        name = np.array(text_hash(document.text.encode()), dtype=np.uint64)
        if not held_out(name, share):
            empty = False
            yield document.text
    if empty:
        sources = ", ".join(source.name for source in corpus.sources())
        raise ValueError(f"the corpus holds no text to train on: {sources}")
