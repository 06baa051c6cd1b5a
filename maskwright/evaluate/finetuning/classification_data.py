"""Classification tasks in files: sentences and sentence pairs in the formats of GLUE, SuperGLUE and BabyLM.

The fields of a line decide how it is read, so a new task needs no code if it uses the fields of an existing one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np

from ...files.errors import cut, kind_of, listing, short_repr
from ...files.names import JSON_LINES, kind, of_kind, stem, visible
from ...files.tables import rows
from ..scoring.jsonl import Line, read

FORMS: tuple[tuple[str, ...], ...] = (
    ("Question: {question} Answer: {answer}", "{paragraph}"),
    ('Does "{span2_text}" refer to "{span1_text}" in this passage?', "{text}"),
    ("{question}", "{passage}"),
    ("{question}", "{sentence}"),
    ("{question1}", "{question2}"),
    ("{premise}", "{hypothesis}"),
    ("{sentence1}", "{sentence2}"),
    ("{sentence}",),
    ("{text}",),
)
"""Templates for the text or pair of a line; the first one whose fields all exist is used."""
VALID = ("valid", "validation", "val", "dev")
KINDS = (*JSON_LINES, ".tsv")


@dataclass(frozen=True)
class Examples:
    """N examples of one split."""

    texts: list[tuple[str, ...]]
    """One text or a pair each."""
    labels: np.ndarray
    """[N] int64, class indices."""

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Task:
    """Training and validation examples of one task."""

    name: str
    classes: tuple[str, ...]
    train: Examples
    valid: Examples


def tasks(data: Path | None) -> dict[str, tuple[Path, Path]]:
    """The training and validation file of every task below `data`, by name.

    `data` is a folder with train.jsonl and valid.jsonl, a folder of such folders, or one with TASK.train.jsonl and
    TASK.valid.jsonl (`glue_filtered`). Raises ValueError when there are none.
    """
    if data is None:
        raise ValueError("evaluation data not found: pass --data FOLDER (with train.jsonl, valid.jsonl)")
    inside = sorted(visible((path for path in data.glob("*") if path.is_dir()), data))
    found: dict[str, tuple[Path, Path]] = {}
    for folder in [data, *inside, data / "full_eval/glue_filtered"]:
        files = {stem(path): path for path in reversed(of_kind(folder, *KINDS))}
        for name in sorted(name for name in files if f".{name}".endswith(".train")):
            start = name.removesuffix("train")
            if valid := next((files[start + split] for split in VALID if start + split in files), None):
                found.setdefault(start.rstrip(".") or folder.resolve().name, (files[name], valid))
    if not found:
        raise ValueError(f"{data} has no train.jsonl with valid.jsonl, no TASK.train.jsonl, and no folders with them")
    return found


def task(name: str, train: Path, valid: Path, limit: int | None = None) -> Task:
    """A task from its files, the first `limit` lines of each.

    Raises ValueError, with file and line, when fields are missing or a validation label never occurs in training.
    """
    parts = [[(line, _texts(line), _label(line)) for line in _lines(path)][:limit] for path in (train, valid)]
    for path, part in zip((train, valid), parts, strict=True):
        if not part:
            raise ValueError(f"{path} is empty: it contains no examples")
    classes = tuple(sorted({label for _, _, label in parts[0]}, key=lambda label: (len(label), label)))
    number = {label: i for i, label in enumerate(classes)}
    for (path, place, _), _, label in parts[1]:
        if label not in number:
            raise ValueError(
                f"{path}:{place}: label={cut(label)} is not among those of {train.name}: {listing(classes)}"
            )
    if len(classes) < 2:
        raise ValueError(f"{train} has only one label, {cut(classes[0])}: give at least two")
    made = [
        Examples([texts for _, texts, _ in part], np.array([number[label] for *_, label in part])) for part in parts
    ]
    return Task(name, classes, *made)


def _lines(path: Path) -> Iterator[Line]:
    if kind(path) in JSON_LINES:
        return read(path, {})
    return ((path, row.line, dict(row.cells)) for row in rows(path, delimiter="\t", quotes=False))


def _texts(line: Line) -> tuple[str, ...]:
    path, number, fields = line
    form = next((form for form in FORMS if all(name in fields for name in _names(form))), None)
    if form is None:
        known = "; ".join(", ".join(_names(form)) for form in FORMS)
        raise ValueError(f"{path}:{number}: no text: the fields are {listing(fields)}; give {known}")
    for name in _names(form):
        if not _is_text(fields[name]):
            raise ValueError(f"{path}:{number}: {name} is {_given(fields[name])}: give a text")
    return tuple(part.format_map(fields) for part in form)


def _given(value: Any) -> str:
    return short_repr(value) if isinstance(value, float) else kind_of(value)


def _is_text(value: Any) -> bool:
    """Whether a text is given, or a number that may stand for one."""
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, str | int) and not isinstance(value, bool)


def _names(form: tuple[str, ...]) -> list[str]:
    return [name for part in form for _, name, _, _ in Formatter().parse(part) if name]


def _label(line: Line) -> str:
    """A label as a string: a number from 0, a word, or false and true as 0 and 1."""
    path, number, fields = line
    if "label" not in fields:
        raise ValueError(f"{path}:{number}: no field 'label': the fields are {listing(fields)}")
    label = fields["label"]
    label = int(label) if isinstance(label, bool) else label
    if not isinstance(label, int | str) or label == "" or (isinstance(label, int) and label < 0):
        raise ValueError(f"{path}:{number}: label={short_repr(label)}: give a number from 0, or a word")
    return str(label)
