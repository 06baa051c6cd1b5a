"""Edge probing tasks in files: spans of a sentence, alone or in pairs, and their labels (Tenney et al. 2019, "What do
you learn from context?", §2).

A line is {"text": "The cat sat", "targets": [{"span1": [0, 2], "span2": [2, 3], "label": "nsubj"}]}: spans are in
whitespace-separated words, end exclusive; `span2` is for tasks on pairs; a label may be a list.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...files.errors import short_repr
from ..scoring.jsonl import Line, read

SPANS = ("span1", "span2")
Target = tuple[list[tuple[int, int]], list[str]]
"""Spans in characters, and labels."""


@dataclass(frozen=True)
class Sentences:
    """N sentences with T targets of S spans each, and C labels."""

    places: list[tuple[Path, int]]
    """File and line of each sentence."""
    texts: list[str]
    owner: np.ndarray
    """[T] int64, the sentence of each target, ascending."""
    spans: np.ndarray
    """[T, S, 2] int64, characters, end exclusive."""
    labels: np.ndarray
    """[T, C] bool."""


@dataclass(frozen=True)
class Edges:
    """Training and validation sentences of one task."""

    classes: tuple[str, ...]
    train: Sentences
    valid: Sentences


def edges(train: Path, valid: Path, limit: int | None = None) -> Edges:
    """A task from its files, the first `limit` lines of each.

    Raises ValueError, with file and line, when a field is missing, a span is invalid or a validation label does not
    occur in training.
    """
    lines = [list(read(path, {"text": str, "targets": list}))[:limit] for path in (train, valid)]
    targets = [[(line, target) for line in part for target in _targets(line)] for part in lines]
    for path, part in zip((train, valid), targets, strict=True):
        if not part:
            raise ValueError(f"{path} is empty: it contains no targets")
    classes = tuple(sorted({label for _, (_, labels) in targets[0] for label in labels}))
    width = len(targets[0][0][1][0])
    for (path, number, _), (spans, labels) in targets[0] + targets[1]:
        if len(spans) != width:
            raise ValueError(f"{path}:{number}: {len(spans)} spans, where the first target has {width}")
        if unknown := [label for label in labels if label not in classes]:
            raise ValueError(f"{path}:{number}: label={short_repr(unknown[0])} is not among those of {train.name}")
    return Edges(classes, *(_sentences(part, found, classes) for part, found in zip(lines, targets, strict=True)))


def _targets(line: Line) -> list[Target]:
    words = [match.span() for match in re.finditer(r"\S+", line[2]["text"])]
    return [_target(line, words, target) for target in line[2]["targets"]]


def _target(line: Line, words: list[tuple[int, int]], target: Any) -> Target:
    path, number, _ = line
    if not isinstance(target, dict) or SPANS[0] not in target or "label" not in target:
        raise ValueError(f"{path}:{number}: a target has span1 and label, and may have span2, not {short_repr(target)}")
    spans = []
    for span in (target[name] for name in SPANS if target.get(name) is not None):
        if not _is_span(span, len(words)):
            wanted = f"give the first word and the one after the last, from 0 to {len(words)}"
            raise ValueError(f"{path}:{number}: span {short_repr(span)}: {wanted}")
        spans.append((words[span[0]][0], words[span[1] - 1][1]))
    return spans, _labels(line, target["label"])


def _labels(line: Line, given: Any) -> list[str]:
    """One label or several, each a text or a number."""
    path, number, _ = line
    labels = given if isinstance(given, list) else [given]
    if wrong := [label for label in labels if not isinstance(label, str | int | float) or label == ""]:
        raise ValueError(f"{path}:{number}: label={short_repr(wrong[0])}: give a text or a number, or a list of them")
    return list(map(str, labels))


def _is_span(span: Any, words: int) -> bool:
    pair = isinstance(span, list) and len(span) == 2 and all(type(end) is int for end in span)
    return pair and 0 <= span[0] < span[1] <= words


def _sentences(lines: list[Line], targets: list[tuple[Line, Target]], classes: tuple[str, ...]) -> Sentences:
    number = {label: place for place, label in enumerate(classes)}
    labels = np.zeros((len(targets), len(classes)), bool)
    for target, (_, (_, found)) in enumerate(targets):
        labels[target, [number[label] for label in found]] = True
    owner = np.repeat(np.arange(len(lines)), [len(fields["targets"]) for *_, fields in lines])
    spans = np.array([spans for _, (spans, _) in targets], np.int64)
    places = [(path, place) for path, place, _ in lines]
    return Sentences(places, [fields["text"] for *_, fields in lines], owner, spans, labels)


def tokens_of(spans: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """[T, S, 2] int64, the tokens that character spans [T, S, 2] overlap, end exclusive.

    ends: [N] int64, exclusive end of each token in characters; a token begins where the previous one ends.
    """
    first = np.searchsorted(ends, spans[..., 0], side="right")
    begins = np.r_[0, ends[:-1]]
    return np.stack([first, np.maximum(np.searchsorted(begins, spans[..., 1], side="left"), first + 1)], axis=-1)


def micro(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Micro-averaged precision, recall and F1 of predictions `found` [T, C] against `truth` [T, C], both bool."""
    right, predicted, true = (float(part.sum()) for part in (found & truth, found, truth))
    return {
        "precision": right / predicted if predicted else 0.0,
        "recall": right / true if true else 0.0,
        "f1": 2 * right / (predicted + true) if predicted + true else 0.0,
    }
