"""Corpus and settings to shards, made once and kept in the user's cache.

The tokenizer is learned from the training split only: what is held out must not shape the vocabulary. It is kept
before tokenizing starts, so that a killed run goes on with the same one.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import tokenizers

from ...storage.cache import cache_folder, file_lock, key
from ..corpus import Corpus, Errors
from ..tokenizers.tokenizer import Tokenizer, TokenizerSettings
from .layout import FORMAT, held_out, text_hash
from .remote import elsewhere, publish
from .shards import Shards, listed, share_of, tokenize


@runtime_checkable
class Ready(Protocol):
    """A corpus that is tokenized already."""

    def tokenized(self, progress: bool = True) -> Shards:
        """The tokens as they are."""
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
    """The shards of `corpus`, from the cache where it has them.

    They are written to `folder` when it is given: when that is a URL, to the cache and copied there. Several processes
    may ask at once: one works, the others wait for it. `over` is that of `tokenize`. Raises ValueError as
    `Tokenizer.train`, `tokenize` and `publish` do.
    """
    if folder is not None and elsewhere(str(folder)):
        shards = prepare(corpus, tokenizer_settings, validation, errors, None, progress, over)
        publish(shards.folder, str(folder), progress)
        return shards
    if isinstance(corpus, Ready):
        return _ready(corpus, tokenizer_settings, folder, progress)
    share = share_of(corpus, validation, errors)
    name = _key(corpus, tokenizer_settings, share, errors)
    with file_lock(cache_folder() / "locks" / name):
        tokenizer = _tokenizer(corpus, tokenizer_settings, share, errors, cache_folder() / "tokenizers" / name)
        place = Path(folder) if folder else cache_folder() / "shards" / key(name, tokenizer.fingerprint)
        return tokenize(corpus, tokenizer, place, validation, errors=errors, progress=progress, over=over)


def _ready(corpus: Ready, knobs: TokenizerSettings, folder: str | Path | None, progress: bool) -> Shards:
    """What is tokenized already, which has its tokenizer and its place."""
    if folder is not None:
        raise ValueError(f"the corpus is tokenized already: it is not written to {folder}, only to a URL")
    shards = corpus.tokenized(progress)
    if knobs.file:
        shards.check(Tokenizer.load(knobs.file))
    return shards


def _key(corpus: Corpus, knobs: TokenizerSettings, share: float, errors: Errors) -> str:
    learned = key(dataclasses.asdict(knobs), tokenizers.__version__)
    made = Tokenizer.load(knobs.file).fingerprint if knobs.file else learned
    return key(FORMAT, repr(corpus), listed(corpus), made, share, errors)


def _tokenizer(corpus: Corpus, knobs: TokenizerSettings, share: float, errors: Errors, kept: Path) -> Tokenizer:
    if knobs.file:
        return Tokenizer.load(knobs.file)
    if not (kept / "tokenizer.json").exists():
        Tokenizer.train(_training_texts(corpus, share, errors), knobs).save(kept)
    return Tokenizer.load(kept)


def _training_texts(corpus: Corpus, share: float, errors: Errors) -> Iterator[str]:
    empty = True
    for document in corpus.documents(errors):
        name = np.array(text_hash(document.text.encode()), dtype=np.uint64)
        if not held_out(name, share):
            empty = False
            yield document.text
    if empty:
        sources = ", ".join(source.name for source in corpus.sources())
        raise ValueError(f"the corpus holds no text to train on: {sources}")
