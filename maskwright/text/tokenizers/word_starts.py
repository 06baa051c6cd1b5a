"""Where words start, alike for every tokenizer: found in the text and mapped to tokens by their character offsets.

A word is a maximal run of word characters (letters, digits, underscore) with apostrophes inside, so don't is one word;
every Chinese, Japanese or Korean character is a word; so is every run of other symbols. Combining marks belong to the
preceding character.
"""

import re
import sys
import unicodedata
from functools import cache

import numpy as np

SPACE, WORD, IDEOGRAPH, SIGN, MARK, APOSTROPHE = range(6)

IDEOGRAPHS = (
    (0x1100, 0x11FF),  # Hangul jamo
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # iteration mark, zero
    (0x3040, 0x31FF),  # kana, bopomofo
    (0x3400, 0x4DBF),  # extension A
    (0x4E00, 0x9FFF),  # unified ideographs
    (0xA960, 0xA97F),  # jamo extended A
    (0xAC00, 0xD7FF),  # Hangul syllables
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFF66, 0xFFDC),  # half-width kana and jamo
    (0x1B000, 0x1B16F),  # kana supplement
    (0x20000, 0x323AF),  # extensions B to H
)

MARKS = range(0x20000), range(0xE0000, 0xE1000)
"""The planes of Unicode that have combining marks; to look through all takes half a second."""


@cache
def _classes() -> np.ndarray:
    """[0x110000] uint8, the class of each code point."""
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    classes = np.full(len(everything), SIGN, dtype=np.uint8)
    for pattern, name in ((r"\s+", SPACE), (r"\w+", WORD)):
        for run in re.finditer(pattern, everything):
            classes[run.start() : run.end()] = name
    for first, last in IDEOGRAPHS:
        classes[first : last + 1][classes[first : last + 1] == WORD] = IDEOGRAPH
    classes[[i for plane in MARKS for i in plane if unicodedata.category(everything[i])[0] == "M"]] = MARK
    classes[[ord("\u200c"), ord("\u200d")]] = MARK
    classes[[ord("'"), ord("\u2019")]] = APOSTROPHE
    return classes


def word_starts(text: str) -> np.ndarray:
    """[characters] bool, True where a word of `text` starts."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found = _classes()[points]
    mark = found == MARK
    found = _carried(found, mark)
    before, after = np.r_[SPACE, found][:-1], np.r_[found, SPACE][1:]
    inner = (found == APOSTROPHE) & (before == WORD) & (after == WORD)
    found = np.where(found == APOSTROPHE, np.where(inner, WORD, SIGN), found)
    before = np.r_[SPACE, found][:-1]
    return (found != SPACE) & ((found != before) | ((found == IDEOGRAPH) & ~mark))


def _carried(found: np.ndarray, mark: np.ndarray) -> np.ndarray:
    """`found` with combining marks in the class of their base character; without a base, a mark is a symbol."""
    base = np.maximum.accumulate(np.where(mark, 0, np.arange(len(found))))
    carried = found[base]
    return np.where(mark & ((carried == SPACE) | (carried == MARK)), np.uint8(SIGN), carried)


def token_starts(text: str, spans: np.ndarray) -> np.ndarray:
    """[T] uint8, 1 for tokens in which a word of `text` starts.

    spans: [T, 2] int64, the characters that each token covers. Where spans overlap, as for the bytes of one character,
    the first token owns the overlap.
    """
    starts = word_starts(text)
    spans = _spelled(text, spans)
    ends = np.maximum.accumulate(spans[:, 1])
    first = np.maximum(spans[:, 0], np.r_[0, ends][:-1])
    count = np.r_[0, np.cumsum(starts)]
    return (count[ends] > count[np.minimum(first, ends)]).astype(np.uint8)


def _spelled(text: str, spans: np.ndarray) -> np.ndarray:
    """`spans` [T, 2] with byte tokens assigned to their own characters.

    Unigram gives every byte of a run of unknown characters the span of the whole run.
    """
    new = np.r_[True, (spans[1:] != spans[:-1]).any(axis=1)][: len(spans)]
    if new.all():
        return spans
    first = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    length = np.diff(np.r_[first, len(spans)])
    ends = np.cumsum(_utf8_lengths(text))
    before = np.r_[0, ends]
    is_spelled = (length == before[spans[first, 1]] - before[spans[first, 0]])[run]
    byte = before[spans[:, 0]] + np.arange(len(spans)) - first[run]
    character = np.searchsorted(ends, np.where(is_spelled, byte, 0), side="right")
    return np.where(is_spelled[:, None], np.stack([character, character + 1], axis=1), spans)


def _utf8_lengths(text: str) -> np.ndarray:
    """[characters] int64, UTF-8 bytes per character."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
