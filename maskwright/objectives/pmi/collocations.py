"""Words that occur together more counts than by chance (Levine et al. 2021, "PMI-Masking", §3).

The pointwise mutual information of an n-gram is ln p(n-gram) minus the maximum of Σ ln p(part) over all ways to split
it: an n-gram that is frequent only because a part of it is has none.

Shapes: W words of the text, C collocations. Words and n-grams are identified by name, a 64-bit hash of their tokens.
"""

import numpy as np
from numba import njit

from ...noise import absorb
from ...text.shards.shards import Split
from ...text.tokenizers.tokenizer import Tokenizer

MAX_WORDS = 5
"""The most words in a collocation."""
SHARES = {2: 0.5, 3: 0.25, 4: 0.125, 5: 0.125}
"""The fraction of the collocations that have this many words (§4.1)."""
MAX_TOKENS = 1 << 24
"""Tokens that are counted; of a larger text, every n-th document. Takes about a gigabyte of memory."""
NAMELESS = np.uint64(0)


def signs(tokenizer: Tokenizer) -> np.ndarray:
    """[V] bool, tokens of punctuation and symbols only. A byte that is part of a letter is not one."""
    written = [tokenizer.decode([i], specials=True) for i in range(tokenizer.vocabulary.size)]
    return np.array([not any(letter.isalnum() or letter in "_\ufffd" for letter in text) for text in written])


@njit(cache=True)
def _name_words(tokens, word_starts, offsets, documents, signs, names, left):
    """Write the name of each word, and how many words follow up to punctuation or the end of its document, itself
    included (0 for punctuation); returns the number of words."""
    count = 0
    for d in documents:
        first = count
        for i in range(offsets[d], offsets[d + 1]):
            if word_starts[i] > 0 or i == offsets[d]:
                names[count], left[count] = NAMELESS, 0
                count += 1
            names[count - 1] = absorb(names[count - 1], np.uint64(tokens[i]))
            left[count - 1] |= not signs[tokens[i]]
        # from the last word backwards: how many follow depends on the next one
        for word in range(count - 2, first - 1, -1):
            left[word] *= 1 + left[word + 1]
    return count


@njit(cache=True)
def _lengthen(names, words, places, by):
    """[P] uint64, the names of the n-grams at `places`, extended by the word `by` words on."""
    longer = np.empty(len(places), np.uint64)
    for p, place in enumerate(places):
        longer[p] = absorb(names[p], words[place + by])
    return longer


def find_collocations(text: Split, signs: np.ndarray, size: int, min_count: int) -> np.ndarray:
    """[C] uint64, the sorted names of at most `size` collocations that occur at least `min_count` times.

    signs: [V] bool, the tokens of punctuation, which no collocation contains.
    """
    documents = np.arange(0, len(text.offsets) - 1, 1 + len(text.tokens) // MAX_TOKENS)
    capacity = int((text.offsets[documents + 1] - text.offsets[documents]).sum())
    words, left = np.empty(capacity, np.uint64), np.empty(capacity, np.int64)
    count = _name_words(text.tokens, text.word_starts, text.offsets, documents, signs, words, left)
    words, left = words[:count], left[:count]
    places, names, kept = np.arange(count), np.full(count, NAMELESS), []
    logs: list[np.ndarray] = []  # by number of words: [W] float32, ln p of those that begin there; nan where too rare
    for n in range(1, MAX_WORDS + 1):
        if n > 1:  # an n-gram is frequent only if both of its (n - 1)-grams are: the others are not counted
            both = ~np.isnan(logs[-1][places]) & (left[places] >= n)
            both[both] = ~np.isnan(logs[-1][places[both] + 1])
            names, places = names[both], places[both]
        names = _lengthen(names, words, places, n - 1)
        found, first, which, counts = np.unique(names, return_index=True, return_inverse=True, return_counts=True)
        log_p = np.where(counts >= min_count, np.log(counts / max(count, 1)), np.nan).astype(np.float32)
        logs.append(np.full(count, np.nan, np.float32))
        logs[-1][places] = log_p[which]
        if n > 1:
            frequent = counts >= min_count
            begins, candidates = places[first[frequent]], found[frequent]
            information = log_p[frequent] - _best_split(logs, begins)
            best = np.argsort(-information, kind="stable")[: int(size * SHARES[n])]
            kept.append(candidates[best[information[best] > 0]])
    return np.sort(np.concatenate(kept))


def _best_split(logs: list[np.ndarray], begins: np.ndarray) -> np.ndarray:
    """The maximum of Σ ln p(part) over all ways to split the n words from each of `begins`, by dynamic programming."""
    n = len(logs)
    best = [np.zeros(len(begins), np.float32)]
    for end in range(1, n + 1):
        sizes = range(1, min(end, n - 1) + 1)
        best.append(np.max([best[end - size] + logs[size - 1][begins + end - size] for size in sizes], axis=0))
    return best[n]


def table(names: np.ndarray) -> np.ndarray:
    """`names` as an open-addressing hash table, [power of 2] uint64; 0 in empty slots."""
    slots = np.zeros(1 << max(3, int(2 * len(names)).bit_length()), np.uint64)
    _fill(names, slots)
    return slots


@njit(cache=True)
def _fill(names, slots):
    for name in names:
        slots[_slot(slots, name)] = name


@njit(cache=True, nogil=True)
def _slot(slots, name):
    """The slot of a name, or the empty one where it would go (linear probing)."""
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
            for n in range(2, min(MAX_WORDS, count - first) + 1):
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
