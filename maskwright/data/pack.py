"""Packing: documents into rows of fixed length, before the run begins, so that a row has a permanent identity.

Best-fit decreasing (longest first, into the fullest row that has room), which leaves little padding. Every piece of a
document starts with [CLS]; [SEP] ends the document. A document longer than a row is cut into full rows and a remainder,
and in another packing of the same text (`Variant`) it begins with a shorter piece, so that all cuts are elsewhere.

Shapes: D documents, P pieces, R rows, L positions.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numba import njit

from ..masking.parallel import by_rows
from ..noise import Noise
from ..text.shards.shards import Split
from ..text.tokenizers.vocabulary import Vocabulary
from .prefetch import LINE, prefetch

AHEAD = 16
"""Rows prefetched together: enough to hide the latency of memory, few enough to stay in cache."""


@njit(cache=True)
def _cut(offsets: np.ndarray, heads: np.ndarray, length: int, out: np.ndarray, write: bool) -> int:
    """Cut documents into pieces (document, first token, number of tokens, closed by [SEP]); returns how many.

    heads: [D] int64, the most tokens of the first piece of a document that does not fit into a row.
    """
    count = 0
    for d in range(len(offsets) - 1):
        begin, end = offsets[d], offsets[d + 1]
        while begin < end:
            closed = end - begin <= length - 2
            room = heads[d] if begin == offsets[d] else length - 1
            tokens = end - begin if closed else min(end - begin - 1, room)  # [SEP] closes at least one token
            if write:
                out[count, 0], out[count, 1], out[count, 2], out[count, 3] = d, begin, tokens, closed
            count += 1
            begin += tokens
    return count


@njit(cache=True)
def _best_fit(sizes: np.ndarray, order: np.ndarray, length: int, row: np.ndarray) -> int:
    """Assign each piece to the fullest open row that has room for it; returns the number of rows."""
    head = np.full(length + 1, -1, np.int64)  # by space left: the last row opened with that much
    below = np.full(len(order), -1, np.int64)  # by row: the row under it in the same pile
    rows = 0
    for piece in order:
        space = sizes[piece]
        while space <= length and head[space] < 0:
            space += 1
        if space > length:
            chosen, space, rows = rows, length, rows + 1
        else:
            chosen = head[space]
            head[space] = below[chosen]
        left = space - sizes[piece]
        below[chosen], head[left] = head[left], chosen
        row[piece] = chosen
    return rows


@njit(cache=True, nogil=True)
def _fetch(rows, begins, pieces, stream, word_starts):
    """Prefetch the text of the next rows; first the indices that say where the text is."""
    for row in rows:
        prefetch(begins, row)
    for row in rows:
        prefetch(pieces[:, 0], begins[row])
    for row in rows:
        for p in range(begins[row], begins[row + 1]):
            start, end = pieces[p, 1], pieces[p, 1] + pieces[p, 2]
            for i in range(start, end + LINE, LINE):
                prefetch(word_starts, i)
            for i in range(start, end + LINE // stream.itemsize, LINE // stream.itemsize):
                prefetch(stream, i)


@njit(cache=True, nogil=True)
def _copy(stream, word_starts, special, words, tokens, word):
    """Copy the tokens of a piece and number their words on from `words`; returns the last word number."""
    words = np.int32(words + (len(stream) > 0 and word_starts[0] == 0))  # a piece begins a word, wherever it was cut
    for i in range(len(stream)):
        tokens[i] = stream[i]
        words += np.int32(word_starts[i] > 0)
        word[i] = np.int32(0) if special[stream[i]] else words
    return words


@njit(cache=True, nogil=True)
def _gather(b0, b1, rows, begins, pieces, stream, word_starts, special, cls, sep, pad, tokens, document, word):
    for b in range(b0, b1):
        if (b - b0) % AHEAD == 0:
            _fetch(rows[b : min(b + AHEAD, b1)], begins, pieces, stream, word_starts)
        place, words, row = 0, 0, rows[b]
        word[b] = 0
        for p in range(begins[row], begins[row + 1]):
            start, size, closed = pieces[p, 1], pieces[p, 2], pieces[p, 3]
            end = place + 1 + size
            tokens[b, place] = cls
            inside, taken = slice(place + 1, end), slice(start, start + size)
            words = _copy(stream[taken], word_starts[taken], special, words, tokens[b, inside], word[b, inside])
            if closed:
                tokens[b, end] = sep
            document[b, place : end + closed] = p - begins[row]
            place = end + closed
        tokens[b, place:] = pad
        document[b, place:] = -1


@dataclass(frozen=True)
class Variant:
    """One of several packings of the same text."""

    seed: int
    number: int
    """From 0, which is the one where documents are cut into full rows, whatever the seed."""

    def heads(self, documents: int, length: int) -> np.ndarray:
        """[D] int64, the most tokens of the first piece of each document, 1 to `length` - 1."""
        if not self.number:
            return np.full(documents, length - 1)
        return 1 + self._noise(documents).below(length - 1, "head", 1)[:, 0].numpy()

    def ties(self, pieces: int) -> np.ndarray:
        """[P] uint64, the order among pieces of the same size."""
        if not self.number:
            return np.zeros(pieces, np.uint64)
        return self._noise(pieces).bits("ties", 1)[:, 0]

    def _noise(self, count: int) -> Noise:
        return Noise(self.seed, torch.full((count,), self.number), torch.arange(count))


@dataclass(frozen=True)
class Pack:
    """One split of the shards as R rows of `length` positions."""

    split: Split
    vocabulary: Vocabulary
    length: int
    pieces: np.ndarray
    """[P, 4] int64, ordered by row: document, first token, number of tokens, whether [SEP] closes the document here."""
    begins: np.ndarray
    """[R + 1] int64, the first piece of each row."""
    groups: np.ndarray
    """[G + 1] int64, the first row of each group of documents."""
    first: int = 0
    """Number of its first row: rows in all blocks or packings before this one, where there are several."""

    def __len__(self) -> int:
        return len(self.begins) - 1

    @property
    def padding(self) -> float:
        """Proportion of positions that are padding."""
        used = self.pieces[:, 2].sum() + self.pieces[:, 3].sum() + len(self.pieces)
        return 1 - used / (len(self) * self.length)

    @property
    def cut(self) -> float:
        """Proportion of documents that were cut."""
        documents, pieces = np.unique(self.pieces[:, 0], return_counts=True)
        return float((pieces > 1).sum() / len(documents))

    @cached_property
    def words(self) -> np.ndarray:
        """[R] int64, whitespace-separated words per row.

        The words of a cut document are divided over its pieces in proportion to their tokens, so that the rows sum to
        the corpus.
        """
        document, begin, tokens, _ = self.pieces.T
        words, size = self.split.words[document], np.diff(self.split.offsets)[document]
        before = begin - self.split.offsets[document]
        mine = words * (before + tokens) // size - words * before // size
        return np.diff(np.r_[0, np.cumsum(mine)][self.begins])

    def gather(self, rows: np.ndarray, tokens: np.ndarray, document: np.ndarray, word: np.ndarray) -> None:
        """Write rows into tokens [B, L] int64, document [B, L] int32 and word [B, L] int32, as defined in `Rows`."""
        v, s = self.vocabulary, self.split
        by_rows(
            _gather, *tokens.shape, rows, self.begins, self.pieces, s.tokens, s.word_starts, v.is_special,
            v.cls, v.sep, v.pad, tokens, document, word,
        )  # fmt: skip

    def documents(self, rows: np.ndarray, document: np.ndarray) -> np.ndarray:
        """[B, L] int64, the document of the split that each position comes from; -1 for padding."""
        first = self.begins[rows][:, None]
        return np.where(document >= 0, self.pieces[first + np.maximum(document, 0), 0], -1)


def pack(
    split: Split,
    vocabulary: Vocabulary,
    length: int,
    groups: np.ndarray | None = None,
    variant: Variant = Variant(0, 0),
    first: int = 0,
) -> Pack:
    """Pack a split into rows of `length`. Raises ValueError when a row could not hold [CLS], a token and [SEP].

    groups: [D] int64; documents of different groups (0, 1, ...) share no row, and those of group -1 are left out. By
    default all documents are in one group. variant: which packing. first: the number of its first row.
    """
    if length < 3:
        raise ValueError(f"rows.length={length}: a row holds [CLS], at least one token and [SEP], so at least 3")
    offsets = np.asarray(split.offsets, np.int64)
    heads = variant.heads(len(offsets) - 1, length)
    pieces = np.empty((_cut(offsets, heads, length, np.empty((0, 4), np.int64), False), 4), np.int64)
    _cut(offsets, heads, length, pieces, True)
    group = np.zeros(len(pieces), np.int64) if groups is None else groups[pieces[:, 0]]
    sizes, row, firsts = 1 + pieces[:, 2] + pieces[:, 3], np.full(len(pieces), -1, np.int64), [0]
    order = np.lexsort((variant.ties(len(pieces)), -sizes, group))
    bounds = np.searchsorted(group[order], np.arange(group.max(initial=0) + 2))
    for mine in (order[begin:end] for begin, end in pairwise(bounds)):
        rows = _best_fit(sizes, mine, length, row)
        row[mine] += firsts[-1]
        firsts.append(firsts[-1] + rows)
    placed = np.argsort(row, kind="stable")[bounds[0] :]  # row -1, left out, sorts first
    begins = np.searchsorted(row[placed], np.arange(firsts[-1] + 1))
    return Pack(split, vocabulary, length, pieces[placed], begins, np.array(firsts), first)
