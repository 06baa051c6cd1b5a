"""What is known of each token or word of texts, as the columns of a table that statistics programs read.

A word is what stands between whitespace, as in corpora of reading times. A token belongs to the word in which it ends,
and one that is only whitespace to the word after it, so that the words of a text add up to its tokens.
"""

import re
from collections.abc import Mapping, Sequence
from math import log
from typing import Any

import numpy as np

from ...text.tokenizers.tokenizer import Tokenizer
from .by_token import TokenScores
from .frequency import plain
from .text_files import Item

UNITS = {"nats": 1.0, "bits": log(2)}
"""Nats in each unit."""
Columns = dict[str, list[Any]]
Frequencies = Mapping[str, float]
"""ln of the share of each word, by the word as `frequency.plain` writes it."""


def of_texts(items: Sequence[Item], figures: Sequence[Mapping[str, Any]], unit: str) -> Columns:
    """A row for each text with its `figures`, as of `likelihoods`."""
    return _together(items, [_text(one, unit) for one in figures])


def of_tokens(items: Sequence[Item], scores: Sequence[TokenScores], tokenizer: Tokenizer, unit: str) -> Columns:
    """A row for each token. None where a token is not scored."""
    each = zip(items, scores, strict=True)
    return _together(items, [_tokens(item.texts[0], one, tokenizer, unit) for item, one in each])


def of_words(
    items: Sequence[Item], scores: Sequence[TokenScores], tokenizer: Tokenizer, unit: str, frequencies: Frequencies
) -> Columns:
    """A row for each word. None where a token of it is not scored, and for a frequency that is not known."""
    each = zip(items, scores, strict=True)
    return _together(items, [_words(item.texts[0], one, tokenizer, unit, frequencies) for item, one in each])


def _together(items: Sequence[Item], tables: Sequence[Columns]) -> Columns:
    """The tables below each other, with the number of each text and the columns of its line; a column of the file
    that has a name of ours becomes `input_NAME`."""
    sizes = [len(next(iter(table.values()))) for table in tables]
    own = ("text_number", *tables[0])
    whole: Columns = {"text_number": [n for n, size in enumerate(sizes, 1) for _ in range(size)]}
    for name in dict.fromkeys(name for item in items for name in item.columns):
        values = [item.columns.get(name) for item in items]
        shown = f"input_{name}" if name in own else name
        whole[shown] = [value for value, size in zip(values, sizes, strict=True) for _ in range(size)]
    return whole | {name: [value for table in tables for value in table[name]] for name in tables[0]}


def _text(figures: Mapping[str, Any], unit: str) -> Columns:
    numbers = {name: figures[name] for name in ("log_likelihood", "per_token", "per_byte")}
    rates = {f"{name}_{unit}": [None if nats is None else nats / UNITS[unit]] for name, nats in numbers.items()}
    return {"text": [figures["text"]]} | rates | {name: [figures[name]] for name in ("tokens", "bytes")}


def _tokens(text: str, scores: TokenScores, tokenizer: Tokenizer, unit: str) -> Columns:
    ends = _ends(text, tokenizer)
    starts = [0, *ends][:-1]
    return {
        "position": list(range(1, len(ends) + 1)),
        "token": [tokenizer.tokens[i] for i in scores.ids.tolist()],
        "characters": [text[start:end] for start, end in zip(starts, ends, strict=True)],
        "start": starts,
        "end": ends,
        f"log_prob_{unit}": _in(unit, scores.log_prob),
        "rank": [value if value is None or value % 1 else int(value) for value in _known(scores.rank)],
        f"entropy_{unit}": _in(unit, scores.entropy),
    }


def _words(text: str, scores: TokenScores, tokenizer: Tokenizer, unit: str, frequencies: Frequencies) -> Columns:
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    owner = np.searchsorted([end for _, end in spans], _ends(text, tokenizer)).clip(max=len(spans) - 1)
    tokens = np.bincount(owner, minlength=len(spans))
    known = np.where(tokens, np.bincount(owner, scores.log_prob, len(spans)), np.nan)
    first = np.searchsorted(owner, np.arange(len(spans)))
    words = [text[start:end] for start, end in spans]
    shares = np.array([frequencies.get(plain(word), np.nan) for word in words])
    return {
        "position": list(range(1, len(spans) + 1)),
        "word": words,
        "start": [start for start, _ in spans],
        "end": [end for _, end in spans],
        "tokens": tokens.tolist(),
        f"log_prob_{unit}": _in(unit, known),
        f"entropy_{unit}": _in(unit, np.where(tokens, np.append(scores.entropy, np.nan)[first], np.nan)),
        "length": [len(word) for word in words],
        f"log_frequency_{unit}": _in(unit, shares),
    }


def _ends(text: str, tokenizer: Tokenizer) -> list[int]:
    (ends,) = tokenizer.ends([text])
    return np.maximum.accumulate(ends).tolist()


def _in(unit: str, nats: np.ndarray) -> list[float | None]:
    return _known(nats / UNITS[unit])


def _known(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]
