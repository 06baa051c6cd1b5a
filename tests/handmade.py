"""Small text made by hand: what the loaders and objectives see, without tokenizers and files."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import torch

from maskwright.data.loader import read_rows
from maskwright.data.pack import Pack, pack
from maskwright.data.rows import Rows
from maskwright.text.tokenizers.vocabulary import Vocabulary

MORE = {"forward": 61, "backward": 62, "wrong": 63, "right": 64}
VOCABULARY = Vocabulary(
    size=120, pad=3, mask=4, cls=1, sep=2, special=frozenset({0, 1, 2, 3, 4, 57, 61, 62, 63, 64}), **MORE
)
"""Special ids are a set: one of them lies far from the others."""


def split(sizes, seed=0, unknown=0.02):
    """Documents of the given numbers of tokens; words have one to about six tokens, and some tokens are special."""
    draw = np.random.default_rng(seed)
    total = int(np.sum(sizes))
    tokens = draw.choice(VOCABULARY.ordinary, total).astype(np.uint16)
    tokens[draw.random(total) < unknown] = 57
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    starts = (draw.random(total) < 0.6).astype(np.uint8)
    counts = partial(_counts, tokens)  # no lambda: rows are pickled for workers
    return SimpleNamespace(tokens=tokens, word_starts=starts, offsets=offsets, counts=counts)


def _counts(tokens, size):
    return np.bincount(tokens, minlength=size)


TEXT = SimpleNamespace(
    vocabulary=VOCABULARY,
    tokenizer=SimpleNamespace(
        vocabulary=VOCABULARY,
        tokens=[f"t{i}" for i in range(VOCABULARY.size)],
        decode=lambda ids, specials: "." if ids == [60] else "word",
    ),
    train=split([40] * 30),
)
"""Shards, as far as an objective is built on them; id 60 is a sign."""


def packed(length=64, documents=160, seed=0, longest=90) -> Pack:
    sizes = np.random.default_rng(seed).integers(1, longest, documents)
    return pack(split(sizes, seed), VOCABULARY, length)


def rows(count=12, length=64, epoch=0, progress=0.0) -> Rows:
    """Rows from all over a pack, in an epoch: the first are one document each, the last hold several and padding."""
    pack = packed(length)
    assert 1 < count <= len(pack)
    numbers = np.arange(count) * (len(pack) - 1) // (count - 1)
    return read_rows(pack, numbers, np.full(count, epoch), progress)


def plain(count, length, epoch=0, first=0) -> Rows:
    """Rows without a special id: every position can be chosen, each token is a word."""
    ids = torch.arange(first, first + count)
    tokens = torch.from_numpy(
        VOCABULARY.ordinary[np.arange(count * length) % len(VOCABULARY.ordinary)].reshape(count, length)
    )
    word = torch.arange(1, length + 1, dtype=torch.int32).repeat(count, 1)
    return Rows(tokens, torch.zeros_like(word), word, ids, torch.full((count,), epoch), 0.0, VOCABULARY)
