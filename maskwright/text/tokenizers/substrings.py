"""Which vocabulary entries are substrings of which others: the n-hot vectors of Edman and Fraser 2025.

(arXiv 2510.20475.) Strings are compared in one notation, with ▁ before an entry that starts a word, whatever the
tokenizer's own convention (Ġ, ▁, or ## for continuations). So ▁un is in ▁unless but not in ▁begun, and un is in both.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from rich.progress import track

from ...progress import console
from ...storage.cache import cache_folder, key, made_once
from .tokenizer import Tokenizer

BEGIN = "▁"
"""Marks an entry that starts a word."""
BYTE = re.compile(r"<0x[0-9A-F]{2}>")
"""SentencePiece's notation of a single byte, which is not text."""

FILE = "parts.npz"


@dataclass(frozen=True)
class Substrings:
    """The parts of every entry, as a sparse binary matrix in CSR form."""

    offsets: np.ndarray
    """[V + 1] int64, where the parts of each entry begin and end."""
    parts: np.ndarray
    """[P] int32 ids; distinct within an entry, longest first."""

    def of(self, token: int) -> np.ndarray:
        """The parts of one entry."""
        return self.parts[self.offsets[token] : self.offsets[token + 1]]


def substrings(tokenizer: Tokenizer, min_length: int, max_length: int, most: int, boundaries: bool) -> Substrings:
    """For every entry, the entries of `min_length` to `max_length` characters within it, at most `most`; cached.

    boundaries: whether a word-initial entry matches only word-initial positions; otherwise both forms of a string are
    equal. The boundary mark does not count as a character. Special tokens neither have parts nor are parts. Raises
    ValueError when no entry has a part.
    """
    options = {
        "min_length": min_length,
        "max_length": max_length,
        "max_substrings": most,
        "boundaries": boundaries,
    }

    def find(aside: Path) -> None:
        found = _find(tokenizer, min_length, max_length, most, boundaries)
        if not len(found.parts):
            raise ValueError(
                f"model.nhot: no token holds another of min_length={min_length} to max_length={max_length} characters; "
                "widen them, or take a tokenizer with longer tokens"
            )
        np.savez(aside / FILE, offsets=found.offsets, parts=found.parts)

    with np.load(made_once(cache_folder() / "substrings" / key(tokenizer.fingerprint, options), find) / FILE) as arrays:
        return Substrings(arrays["offsets"], arrays["parts"])


def written(tokenizer: Tokenizer) -> list[str]:
    """[V] each entry in the common notation, ▁ before word starts; special tokens and single bytes are empty."""
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
    """WordPiece's ##ing and ing as ing and ▁ing."""
    continues = token.startswith("##") and len(token) > 2
    return token[2:] if continues else BEGIN * bool(token) + token


def _find(tokenizer: Tokenizer, min_length: int, max_length: int, most: int, boundaries: bool) -> Substrings:
    texts = written(tokenizer)
    texts = texts if boundaries else [text.removeprefix(BEGIN) for text in texts]
    wanted: dict[str, list[int]] = {}
    for i, text in enumerate(texts):
        if text and min_length <= len(text.removeprefix(BEGIN)) <= max_length:
            wanted.setdefault(text, []).append(i)
    sizes = sorted({len(text) for text in wanted}, reverse=True)
    rows = [list(islice(_parts(i, text, wanted, sizes), most)) for i, text in enumerate(_shown(texts))]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Substrings(offsets, np.fromiter((part for row in rows for part in row), np.int32, count=offsets[-1]))


def _parts(token: int, text: str, wanted: Mapping[str, list[int]], sizes: Sequence[int]) -> Iterator[int]:
    """Ids in `wanted` whose strings occur in `text`, each once, longest first, without `token` itself."""
    known = {token}
    for size in sizes:
        for begin in range(len(text) - size + 1):
            for part in wanted.get(text[begin : begin + size], ()):
                if part not in known:
                    known.add(part)
                    yield part


def _shown(texts: Sequence[str]) -> Iterable[str]:
    """`texts` with a transient progress bar on a terminal."""
    return track(texts, "finding the parts of tokens", console=console, transient=True, disable=not console.is_terminal)
