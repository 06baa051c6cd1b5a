"""Texts in a file, and what a scorer says of them."""

from pathlib import Path
from typing import Any

from .jsonl import read
from .scorer import Scorer, Scores, Text

PAIR = ("sentence_good", "sentence_bad")


def texts(path: Path) -> list[tuple[str, ...]]:
    """What stands in a file: a text a line; in a .jsonl the `text` of each line, or its pair, as BLiMP has it.

    Raises ValueError, with file and line, when a line is empty or lacks its field.
    """
    if path.suffix == ".jsonl":
        fields = PAIR if PAIR[0] in path.read_text(encoding="utf-8").partition("\n")[0] else ("text",)
        found = [tuple(line[field] for field in fields) for *_, line in read([path], dict.fromkeys(fields, str))]
    else:
        found = [(line,) for line in path.read_text(encoding="utf-8").splitlines()]
    if empty := [number for number, line in enumerate(found, 1) if not all(text.strip() for text in line)]:
        raise ValueError(f"{path}:{empty[0]}: there is no text")
    if not found:
        raise ValueError(f"{path} is empty: give a text a line")
    return found


def likelihoods(scorer: Scorer, lines: list[tuple[str, ...]]) -> list[dict[str, Any]]:
    """Of each text its log-likelihood in nats, per token and per byte; of a pair both, and which is `likelier`."""
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
