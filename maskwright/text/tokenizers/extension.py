"""More tokens for a tokenizer that is there: words of a text that it splits, each as one token of its model.

The ids of what it has stay. In WordPiece the longest token that fits is taken, so a word only has to be there. In BPE
its pieces are joined by merges after all others, which may join such pieces in other words too. In Unigram it gets the
log-probability of its pieces together and so is always preferred.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from tokenizers import Tokenizer as Backend

WORD = re.compile(r"[^\W\d_]{3,}")
FEWEST = 2
"""How often a word must stand in the text."""
MARGIN = 1e-3
"""By how much more probable than its pieces a word of Unigram is."""
Split = tuple[str, ...]
"""The pieces of a word."""


def extended(backend: Backend, texts: Iterable[str], count: int) -> Backend:
    """`backend` with the `count` words of `texts` that save most tokens, as often as they are there and split.

    Raises ValueError for a kind of tokenizer whose model cannot take words, and when no word is split.
    """
    tree = json.loads(backend.to_str())
    kind = tree["model"]["type"]
    marked = tree["model"].get("continuing_subword_prefix") or tree["model"].get("end_of_word_suffix")
    if kind not in ADD or (kind == "BPE" and marked):
        can = "WordPiece, byte-level BPE and Unigram"
        raise ValueError(f"tokenizer.new_words={count}: words can be added to {can}, not {kind}")
    words = worst(backend, texts, count)
    if not words:
        raise ValueError(f"tokenizer.new_words={count}: the tokenizer splits no word that the text has {FEWEST} times")
    ADD[kind](tree, words)
    return Backend.from_str(json.dumps(tree))


def worst(backend: Backend, texts: Iterable[str], count: int) -> list[Split]:
    """The pieces of the `count` words that cost most beyond a token each: occurrences times pieces less one."""
    found = Counter(word for text in texts for word in WORD.findall(text))
    often = [word for word, times in found.items() if times >= FEWEST]
    saved = Counter[Split]()
    encodings = backend.encode_batch([f" {word}" for word in often], add_special_tokens=False)
    for word, encoding in zip(often, encodings, strict=True):
        pieces = tuple(encoding.tokens)
        whole = {id_ for id_ in encoding.word_ids if id_ is not None}
        if len(pieces) > 1 and len(whole) == 1 and not _unknown(backend, pieces):
            saved[pieces] += found[word] * (len(pieces) - 1)
    return sorted(saved, key=lambda pieces: (-saved[pieces], pieces))[:count]


def _unknown(backend: Backend, pieces: Split) -> bool:
    return getattr(backend.model, "unk_token", None) in pieces


def _next(tree: dict[str, Any]) -> int:
    """The first id that nothing has."""
    vocab = tree["model"]["vocab"]
    known = vocab.values() if isinstance(vocab, dict) else range(len(vocab))
    return 1 + max([*known, *(token["id"] for token in tree["added_tokens"])], default=-1)


def _wordpiece(tree: dict[str, Any], words: list[Split]) -> None:
    prefix = tree["model"]["continuing_subword_prefix"]
    for number, (first, *rest) in enumerate(words, _next(tree)):
        tree["model"]["vocab"][first + "".join(piece.removeprefix(prefix) for piece in rest)] = number


def _bpe(tree: dict[str, Any], words: list[Split]) -> None:
    ranks: dict[tuple[str, str], int] = {}
    number, vocab = _next(tree), tree["model"]["vocab"]
    for word in words:
        pieces = _joined(list(word), ranks)
        while len(pieces) > 1:
            pair = (pieces[0], pieces[1])
            ranks[pair] = len(ranks)
            if "".join(pair) not in vocab:
                vocab["".join(pair)], number = number, number + 1
            pieces[:2] = ["".join(pair)]
    written = tree["model"]["merges"]
    lines = bool(written) and isinstance(written[0], str)
    written += [" ".join(pair) if lines else list(pair) for pair in ranks]


def _joined(pieces: list[str], ranks: dict[tuple[str, str], int]) -> list[str]:
    """The pieces after the merges so far, the earliest first."""
    while known := [(ranks[pair], place) for place, pair in enumerate(pairwise(pieces)) if pair in ranks]:
        _, place = min(known)
        pieces[place : place + 2] = ["".join(pieces[place : place + 2])]
    return pieces


def _unigram(tree: dict[str, Any], words: list[Split]) -> None:
    """Ids are places in the list, so what was added beyond it comes into it first."""
    vocab = tree["model"]["vocab"]
    worth = dict(vocab)
    beyond = {token["id"]: token["content"] for token in tree["added_tokens"] if token["id"] >= len(vocab)}
    lowest = min(worth.values(), default=0.0)
    vocab += [[beyond.get(number, f"<unused {number}>"), lowest - 10] for number in range(len(vocab), _next(tree))]
    vocab += [["".join(pieces), sum(worth[piece] for piece in pieces) + MARGIN] for pieces in words]


ADD: dict[str, Callable[[dict[str, Any], list[Split]], None]] = {
    "WordPiece": _wordpiece,
    "BPE": _bpe,
    "Unigram": _unigram,
}
"""How a model gets words."""
