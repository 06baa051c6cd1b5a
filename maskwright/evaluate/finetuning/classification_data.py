"""Classification tasks in files: single sentences and pairs, as GLUE, SuperGLUE and the BabyLM evaluation write them.

What a line means is told by its fields, so a new task needs no code where its fields are known.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np

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
"""The texts of a line; the first form all of whose fields are there."""
TRAIN, VALID = ("train",), ("valid", "validation", "val", "dev")
KINDS = (".jsonl", ".tsv")


@dataclass(frozen=True)
class Examples:
    """N examples of one split."""

    texts: list[tuple[str, ...]]
    """One text or a pair."""
    labels: np.ndarray
    """[N] int64, from 0."""

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Task:
    """Examples to learn from and examples to be judged by."""

    name: str
    classes: tuple[str, ...]
    train: Examples
    valid: Examples


def tasks(data: Path | None) -> dict[str, tuple[Path, Path]]:
    """The training and validation file of every task below `data`, by name.

    `data` is a folder with train.jsonl and valid.jsonl, a folder of such folders, or one with TASK.train.jsonl and
    TASK.valid.jsonl (`glue_filtered`). Raises ValueError when there is none.
    """
    if data is None:
        raise ValueError(
            "this suite brings no tasks: say where they are, --data FOLDER (with train.jsonl, valid.jsonl)"
        )
    below = [data, *sorted(path for path in data.glob("*") if path.is_dir()), data / "full_eval/glue_filtered"]
    found: dict[str, tuple[Path, Path]] = {}
    for folder in below:
        for kind in KINDS:
            for train in sorted([*folder.glob(f"train{kind}"), *folder.glob(f"*.train{kind}")]):
                start = train.name.removesuffix(f"train{kind}")
                valid = next((path for name in VALID if (path := folder / f"{start}{name}{kind}").is_file()), None)
                if valid:
                    found.setdefault(start.rstrip(".") or folder.resolve().name, (train, valid))
    if not found:
        raise ValueError(f"{data} holds no train.jsonl with a valid.jsonl, nor TASK.train.jsonl, nor folders of these")
    return found


def task(name: str, train: Path, valid: Path, limit: int | None = None) -> Task:
    """A task from its files, the first `limit` lines of each.

    Raises ValueError, with file and line, when fields are missing or a label is none that was trained.
    """
    parts = [[(line, _texts(line), _label(line)) for line in _lines(path)][:limit] for path in (train, valid)]
    for path, part in zip((train, valid), parts, strict=True):
        if not part:
            raise ValueError(f"{path} is empty: it holds no examples")
    classes = tuple(sorted({label for _, _, label in parts[0]}, key=lambda label: (len(label), label)))
    number = {label: i for i, label in enumerate(classes)}
    for (path, place, _), _, label in parts[1]:
        if label not in number:
            raise ValueError(f"{path}:{place}: label={label} is not among those of {train.name}: {', '.join(classes)}")
    if len(classes) < 2:
        raise ValueError(f"{train} has one label alone, {classes[0]}: there is nothing to tell apart")
    made = [
        Examples([texts for _, texts, _ in part], np.array([number[label] for *_, label in part])) for part in parts
    ]
    return Task(name, classes, *made)


def _lines(path: Path) -> Iterator[Line]:
    if path.suffix == ".jsonl":
        yield from read([path], {})
        return
    with path.open(encoding="utf-8", newline="") as text:
        for number, line in enumerate(csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
            yield path, number, line


def _texts(line: Line) -> tuple[str, ...]:
    path, number, fields = line
    form = next((form for form in FORMS if all(name in fields for name in _names(form))), None)
    if form is None:
        known = "; ".join(", ".join(_names(form)) for form in FORMS)
        raise ValueError(f"{path}:{number}: no text: there is {', '.join(fields)}, where a task has {known}")
    return tuple(part.format_map(_written(fields)) for part in form)


def _names(form: tuple[str, ...]) -> list[str]:
    return [name for part in form for _, name, _, _ in Formatter().parse(part) if name]


def _written(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items()}


def _label(line: Line) -> str:
    """A label as text: a number from 0, a word, or false and true as 0 and 1."""
    path, number, fields = line
    if "label" not in fields:
        raise ValueError(f"{path}:{number}: no field 'label': there is {', '.join(fields)}")
    label = fields["label"]
    label = int(label) if isinstance(label, bool) else label
    if not isinstance(label, int | str) or label == "" or (isinstance(label, int) and label < 0):
        raise ValueError(f"{path}:{number}: label={label!r}: give a number from 0, or a word")
    return str(label)
