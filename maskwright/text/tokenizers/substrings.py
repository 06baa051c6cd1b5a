"""Which entries of a vocabulary are substrings of which others: the n-hot vectors of Edman and Fraser 2025.

(arXiv 2510.20475.) Strings are compared as the vocabulary writes them, with one sign before what begins a word,
whatever the tokenizer's own convention (Ġ, ▁, or ## before what does not). So ▁un is in ▁unless and not in ▁begun, and
un is in both.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from ...storage.cache import cache_folder, key
from .tokenizer import Tokenizer

BEGIN = "▁"
"""Stands before what begins a word."""
BYTE = re.compile(r"<0x[0-9A-F]{2}>")
"""How SentencePiece writes a byte, which is no text."""


@dataclass(frozen=True)
class Substrings:
    """The parts of every entry as a sparse matrix of zeros and ones, in rows."""

    offsets: np.ndarray
    """[V + 1] int64, where the parts of an entry begin and end."""
    parts: np.ndarray
    """[P] int32, ids; those of one entry differ, the longest come first."""

    def of(self, token: int) -> np.ndarray:
        """The parts of one entry."""
        return self.parts[self.offsets[token] : self.offsets[token + 1]]


def substrings(tokenizer: Tokenizer, shortest: int, longest: int, limit: int, boundaries: bool) -> Substrings:
    """The entries of `shortest` to `longest` signs that are in other entries, at most `limit` in each; cached.

    With `boundaries`, what begins a word is found only where the other entry begins one; otherwise the two forms of a
    string are the same. The sign of the beginning does not count. Special tokens neither have parts nor are parts.
    Raises ValueError when no entry has a part.
    """
    knobs = {"shortest": shortest, "longest": longest, "limit": limit, "boundaries": boundaries}
    path = cache_folder() / "substrings" / f"{key(tokenizer.fingerprint, knobs)}.npz"
    if path.exists():
        return _kept(path)
    found = _find(tokenizer, shortest, longest, limit, boundaries)
    if not len(found.parts):
        raise ValueError(
            f"model.parts: no token holds another of shortest={shortest} to longest={longest} signs; "
            "widen them, or take a tokenizer with longer tokens"
        )
    _keep(path, found)
    return found


def written(tokenizer: Tokenizer) -> list[str]:
    """[V] how each entry is written, with ▁ before what begins a word; special ones and single bytes are empty."""
    special = tokenizer.vocabulary.is_special
    tokens = ["" if special[i] or BYTE.fullmatch(token) else token for i, token in enumerate(tokenizer.tokens)]
    first = Counter(token[0] for token in tokens if token)
    mark = max("Ġ▁", key=lambda sign: first[sign])
    if first[mark]:
        return [token.replace(mark, BEGIN) for token in tokens]
    if any(token.startswith("##") for token in tokens):
        return [_marked(token) for token in tokens]
    return tokens


def _marked(token: str) -> str:
    """What WordPiece writes ##ing or ing, as ing or ▁ing."""
    continues = token.startswith("##") and len(token) > 2
    return token[2:] if continues else BEGIN * bool(token) + token


def _find(tokenizer: Tokenizer, shortest: int, longest: int, limit: int, boundaries: bool) -> Substrings:
    texts = written(tokenizer)
    texts = texts if boundaries else [text.removeprefix(BEGIN) for text in texts]
    wanted: dict[str, list[int]] = {}
    for i, text in enumerate(texts):
        if text and shortest <= len(text.removeprefix(BEGIN)) <= longest:
            wanted.setdefault(text, []).append(i)
    sizes = sorted({len(text) for text in wanted}, reverse=True)
    rows = [list(islice(_parts(i, text, wanted, sizes), limit)) for i, text in enumerate(_shown(texts))]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Substrings(offsets, np.fromiter((part for row in rows for part in row), np.int32, count=offsets[-1]))


def _parts(token: int, text: str, wanted: Mapping[str, list[int]], sizes: Sequence[int]) -> Iterator[int]:
    """The ids in `wanted` whose strings are in `text`, each once, the longest first, `token` itself left out."""
    known = {token}
    for size in sizes:
        for begin in range(len(text) - size + 1):
            for part in wanted.get(text[begin : begin + size], ()):
                if part not in known:
                    known.add(part)
                    yield part


def _shown(texts: Sequence[str]) -> Iterable[str]:
    """`texts` as they are, with a bar that goes again, where there is a terminal to show it."""
    console = Console(stderr=True)
    return track(texts, "finding the parts of tokens", console=console, transient=True, disable=not console.is_terminal)


def _kept(path: Path) -> Substrings:
    with np.load(path) as arrays:
        return Substrings(arrays["offsets"], arrays["parts"])


def _keep(path: Path, found: Substrings) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    np.savez(aside, offsets=found.offsets, parts=found.parts)
    aside.replace(path)
