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
    """[N] int64, class indices; or float64, numbers."""

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Task:
    """Training and validation examples of one task."""

    name: str
    classes: tuple[str, ...]
    """Empty where the labels are numbers."""
    train: Examples
    valid: Examples


def tasks(data: Path | None, kinds: tuple[str, ...] = KINDS, alone: bool = False) -> dict[str, tuple[Path, Path]]:
    """The training and validation file of every task below `data`, by name.

    `data` is a folder with train.jsonl and valid.jsonl, a folder of such folders, or one with TASK.train.jsonl and
    TASK.valid.jsonl (`glue_filtered`). alone: a training file without another is both. Raises ValueError when there are
    none.
    """
    if data is None:
        raise ValueError(f"evaluation data not found: pass --data FOLDER (with train{kinds[0]}, valid{kinds[0]})")
    inside = sorted(visible((path for path in data.glob("*") if path.is_dir()), data))
    found: dict[str, tuple[Path, Path]] = {}
    for folder in [data, *inside, data / "full_eval/glue_filtered"]:
        files = {stem(path): path for path in reversed(of_kind(folder, *kinds))}
        for name in sorted(name for name in files if f".{name}".endswith(".train")):
            start = name.removesuffix("train")
            whole = files[name] if alone else None
            if valid := next((files[start + split] for split in VALID if start + split in files), whole):
                found.setdefault(start.rstrip(".") or folder.resolve().name, (files[name], valid))
    if not found:
        first = f"train{kinds[0]}"
        beside = "" if alone else f" with valid{kinds[0]}"
        raise ValueError(f"{data} has no {first}{beside}, no TASK.{first}, and no folders with them")
    return found


def task(name: str, train: Path, valid: Path, limit: int | None = None) -> Task:
    """A task from its files, the first `limit` lines of each; its labels are numbers where one of them is no whole one.

    Raises ValueError, with file and line, when fields are missing or a validation label never occurs in training.
    """
    parts = [[(line, _texts(line), _label(line)) for line in _lines(path)][:limit] for path in (train, valid)]
    for path, part in zip((train, valid), parts, strict=True):
        if not part:
            raise ValueError(f"{path} is empty: it contains no examples")
    if any(_is_fraction(label) for *_, label in parts[0]):
        return Task(name, (), *(_amounts(part) for part in parts))
    for (path, place, _), _, label in parts[0]:
        if label.startswith("-") and _amount(label) is not None:
            raise ValueError(f"{path}:{place}: label={label}: give a number from 0, or a word")
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


def _amounts(part: list[tuple[Line, tuple[str, ...], str]]) -> Examples:
    """Examples with numbers. Raises ValueError, with file and line, for a label that is none."""
    for (path, place, _), _, label in part:
        if _amount(label) is None:
            raise ValueError(f"{path}:{place}: label={cut(label)}: give a number, as the other lines do")
    return Examples([texts for _, texts, _ in part], np.array([float(label) for *_, label in part]))


def _amount(label: str) -> float | None:
    try:
        return float(label) if isfinite(float(label)) else None
    except ValueError:
        return None


def _is_fraction(label: str) -> bool:
    return "." in label and _amount(label) is not None


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
    """A label, or a score, as a string: a number, a word, or false and true as 0 and 1."""
    path, number, fields = line
    name = next((name for name in ("label", "score") if name in fields), None)
    if name is None:
        raise ValueError(f"{path}:{number}: no field 'label': the fields are {listing(fields)}")
    label = int(fields[name]) if isinstance(fields[name], bool) else fields[name]
    if not (_is_text(label) and label != ""):
        raise ValueError(f"{path}:{number}: {name}={short_repr(label)}: give a number from 0, or a word")
    return str(label)
