"""Words that come together more often than chance would have them (Levine et al. 2021, "PMI-Masking", §3).

The pointwise mutual information of an n-gram is ln p(n-gram) less the best of Σ ln p(part) over all ways to cut it into
parts: what goes together only because a part of it does has none.

Shapes: W words of the text, C collocations. A word, or several, is known by its name, 64 bits of a hash of its tokens.
"""

import numpy as np
from numba import njit

from ...noise import absorb
from ...text.shards.shards import Split
from ...text.tokenizers.tokenizer import Tokenizer

LONGEST = 5
"""Words in a collocation, at most."""
SHARES = {2: 0.5, 3: 0.25, 4: 0.125, 5: 0.125}
"""Of the collocations kept, how many have so many words (§4.1)."""
LOOKED_AT = 1 << 24
"""Tokens that are counted, of documents from all over a larger text: a gigabyte of memory."""
NAMELESS = np.uint64(0)


def signs(tokenizer: Tokenizer) -> np.ndarray:
    """[V] bool, the tokens that no word but a run of signs consists of; what is only a part of a letter is none."""
    written = [tokenizer.decode([i], specials=True) for i in range(tokenizer.vocabulary.size)]
    return np.array([not any(letter.isalnum() or letter in "_\ufffd" for letter in text) for text in written])


@njit(cache=True)
def _name_words(tokens, word_starts, offsets, documents, signs, names, left):
    """Write the names of words and how many there are from each to the next sign or the end of its document, none from
    a sign; returns their number."""
    count = 0
    for d in documents:
        first = count
        for i in range(offsets[d], offsets[d + 1]):
            if word_starts[i] > 0 or i == offsets[d]:
                names[count], left[count] = NAMELESS, 0
                count += 1
            names[count - 1] = absorb(names[count - 1], np.uint64(tokens[i]))
            left[count - 1] |= not signs[tokens[i]]
        for word in range(count - 2, first - 1, -1):
            left[word] *= 1 + left[word + 1]
    return count


@njit(cache=True)
def _lengthen(names, words, places, by):
    """[P] uint64, the names of what begins at `places`, with the word that is `by` words on."""
    longer = np.empty(len(places), np.uint64)
    for p, place in enumerate(places):
        longer[p] = absorb(names[p], words[place + by])
    return longer


def find_collocations(text: Split, signs: np.ndarray, size: int, least: int) -> np.ndarray:
    """[C] uint64, the names of at most `size` collocations, of those that occur at least `least` times, sorted.

    signs: [V] bool, the tokens of signs, which end a collocation.
    """
    documents = np.arange(0, len(text.offsets) - 1, 1 + len(text.tokens) // LOOKED_AT)
    most = int((text.offsets[documents + 1] - text.offsets[documents]).sum())
    words, left = np.empty(most, np.uint64), np.empty(most, np.int64)
    count = _name_words(text.tokens, text.word_starts, text.offsets, documents, signs, words, left)
    words, left = words[:count], left[:count]
    places, names, kept = np.arange(count), np.full(count, NAMELESS), []
    logs: list[np.ndarray] = []  # by number of words: [W] float32, ln p of those that begin there; nan where too rare
    for n in range(1, LONGEST + 1):
        if n > 1:
            both = ~np.isnan(logs[-1][places]) & (left[places] >= n)
            both[both] = ~np.isnan(logs[-1][places[both] + 1])
            names, places = names[both], places[both]
        names = _lengthen(names, words, places, n - 1)
        found, first, which, often = np.unique(names, return_index=True, return_inverse=True, return_counts=True)
        share = np.where(often >= least, np.log(often / max(count, 1)), np.nan).astype(np.float32)
        logs.append(np.full(count, np.nan, np.float32))
        logs[-1][places] = share[which]
        if n > 1:
            known = often >= least
            begins, candidates = places[first[known]], found[known]
            information = share[known] - _parted(logs, begins)
            best = np.argsort(-information, kind="stable")[: int(size * SHARES[n])]
            kept.append(candidates[best[information[best] > 0]])
    return np.sort(np.concatenate(kept))


def _parted(logs: list[np.ndarray], begins: np.ndarray) -> np.ndarray:
    """The best Σ ln p(part) over all ways to cut the n words from each of `begins` into two parts or more."""
    n = len(logs)
    best = [np.zeros(len(begins), np.float32)]
    for end in range(1, n + 1):
        sizes = range(1, min(end, n - 1) + 1)
        best.append(np.max([best[end - size] + logs[size - 1][begins + end - size] for size in sizes], axis=0))
    return best[n]


def table(names: np.ndarray) -> np.ndarray:
    """`names` as a hash table with open addresses, [power of 2] uint64; 0 where nothing is."""
    slots = np.zeros(1 << max(3, int(2 * len(names)).bit_length()), np.uint64)
    _fill(names, slots)
    return slots


@njit(cache=True)
def _fill(names, slots):
    for name in names:
        slots[_slot(slots, name)] = name


@njit(cache=True, nogil=True)
def _slot(slots, name):
    """Where a name is, or would be."""
    last = np.uint64(len(slots) - 1)
    at = name & last
    while slots[at] != NAMELESS and slots[at] != name:
        at = (at + np.uint64(1)) & last
    return at


@njit(cache=True, nogil=True)
def group_words(b0, b1, tokens, word, document, slots, group):
    """Number the units of rows: from left to right the longest collocation that begins here, else the word."""
    length = tokens.shape[1]
    names, starts = np.empty(length, np.uint64), np.empty(length, np.int64)
    for b in range(b0, b1):
        count, before = 0, 0
        for i in range(length):
            if word[b, i] > 0:
                if word[b, i] != before:
                    names[count], starts[count] = NAMELESS, i
                    count += 1
                names[count - 1] = absorb(names[count - 1], np.uint64(tokens[b, i]))
                before = word[b, i]
        group[b] = 0
        first, unit = 0, 0
        while first < count:
            name, size, unit = absorb(NAMELESS, names[first]), 1, unit + 1
            for n in range(2, min(LONGEST, count - first) + 1):
                here, there = starts[first], starts[first + n - 1]
                if word[b, there] != word[b, here] + n - 1 or document[b, there] != document[b, here]:
                    break
                name = absorb(name, names[first + n - 1])
                if slots[_slot(slots, name)] == name:
                    size = n
            first += size
            end = starts[first] if first < count else length
            for i in range(starts[first - size], end):
                group[b, i] = unit if word[b, i] > 0 else 0
