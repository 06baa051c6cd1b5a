"""Score the texts of a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...files.json_files import objects
from ...files.names import JSON_LINES, kind
from ...files.text import lines
from .jsonl import check
from .scorer import Scorer, Scores, Text

PAIR = ("sentence_good", "sentence_bad")


def texts(path: Path) -> list[tuple[str, ...]]:
    """The texts of a file: one per line; in JSON the `text` of each object, or a pair in BLiMP's fields.

    Raises ValueError, with file and line, when a line is empty or lacks its field.
    """
    is_json = kind(path) in (*JSON_LINES, ".json")
    numbered = list(_objects(path)) if is_json else [(number, (line,)) for number, line in lines(path)]
    if empty := [number for number, line in numbered if not all(part.strip() for part in line)]:
        raise ValueError(f"{path}:{empty[0]}: there is no text")
    if not numbered:
        raise ValueError(f"{path} is empty: give one text per line")
    return [line for _, line in numbered]


def _objects(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line number and text or pair; the first object decides which of the two the file holds."""
    fields: tuple[str, ...] = ()
    for number, found in objects(path):
        fields = fields or (PAIR if PAIR[0] in found else ("text",))
        check(found, dict.fromkeys(fields, str), f"{path}:{number}")
        yield number, tuple(found[field] for field in fields)


def likelihoods(scorer: Scorer, lines: list[tuple[str, ...]]) -> list[dict[str, Any]]:
    """For each text its log-likelihood in nats, per token and per byte; for a pair both, and which is `likelier`."""
    scores = scorer(Text(text) for line in lines for text in line)
    flat = iter(range(len(scores.tokens)))
    return [_line(scores, line, flat) for line in lines]


def _line(scores: Scores, line: tuple[str, ...], places: Any) -> dict[str, Any]:
    found = [_figures(scores, next(places), text) for text in line]
    if len(found) == 1:
        return found[0]
    good, bad = (one["log_likelihood"] for one in found)
    likelier = "neither" if not (good > bad or bad > good) else PAIR[bad > good]
    return dict(zip(PAIR, found, strict=True)) | {"likelier": likelier}


def _figures(scores: Scores, place: int, text: str) -> dict[str, Any]:
    names = {"log_likelihood": "text", "per_token": "token", "per_byte": "byte"}
    figures = {name: float(scores.per(unit)[0, place]) for name, unit in names.items()}
    return {"text": text} | figures | {"tokens": int(scores.tokens[place]), "bytes": int(scores.bytes[place])}


def surprisals(scorer: Scorer, text: str) -> list[tuple[str, float]]:
    """Each token of `text` (as the part of the text it covers) with −ln p in nats; NaN for special tokens."""
    nats = -scorer.by_token(text)
    return list(zip(scorer.tokenizer.slices(text), nats.tolist(), strict=True))
