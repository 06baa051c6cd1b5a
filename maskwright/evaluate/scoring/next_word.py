"""The surprisal of a word after a text, as the official BabyLM evaluation of reading times asks for it.

The word stands behind the text as it is, with no blank between. Where it has several tokens, each is written behind the
text when it has been asked for, and the whole is tokenized anew for the next.

Shapes: N words.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ...files.errors import short_repr
from ...text.tokenizers.tokenizer import Tokenizer
from .scorer import Encoded, Scorer

MASKS = 3
"""Masks that stand in place of a word and of what follows it."""


def surprisal(scorer: Scorer, words: Sequence[tuple[str, str]], masked: bool) -> np.ndarray:
    """[N] float64, −ln p of each word after its text, by a scorer whose questions read left to right.

    masked: whether masks stand in its place. Raises ValueError for a word without tokens.
    """
    pieces = [list(_pieces(scorer.tokenizer, *pair)) for pair in words]
    rows = [_row(scorer.tokenizer, *piece, masked) for some in pieces for piece in some]
    owner = np.repeat(np.arange(len(pieces)), [len(some) for some in pieces])
    return -np.bincount(owner, scorer.log_likelihoods(rows)[0], len(pieces))


def _pieces(tokenizer: Tokenizer, text: str, word: str) -> Iterator[tuple[str, int]]:
    """The text before each token of a word, and the token: the first that it has when it is read alone."""
    ids = _ids(tokenizer, word)
    if not ids:
        raise ValueError(f"the word {short_repr(word)} has no tokens, so it has no surprisal")
    yield text, ids[0]
    for last, token in pairwise(tokenizer.decode([each], specials=True) for each in ids):
        text += last
        yield text, _ids(tokenizer, token)[0]


def _row(tokenizer: Tokenizer, text: str, token: int, masked: bool) -> Encoded:
    """[CLS] text token [SEP], in which the token alone is scored; a mask takes the blank before it."""
    known, masks = tokenizer.vocabulary, tokenizer.names["mask"] * MASKS
    before = _ids(tokenizer, text + masks)[:-MASKS] if masked else _ids(tokenizer, text)
    ids = np.array([known.cls, *before, token, known.sep], np.int64)
    word = np.zeros(len(ids), np.int32)
    word[-2] = 1
    return ids, word


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, specials=True)[0].tolist()
