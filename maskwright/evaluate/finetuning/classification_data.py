"""Classification tasks in files: single sentences and pairs, as GLUE, SuperGLUE and the BabyLM evaluation write them.

What a line means is told by its fields, so a new task needs no code where its fields are known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import numpy as np

from ...files.errors import kind_of, listing, short_repr
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
"""The texts of a line; the first form all of whose fields are there."""
VALID = ("valid", "validation", "val", "dev")
KINDS = (*JSON_LINES, ".tsv")


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
    if kind(path) in JSON_LINES:
        return read(path, {})
    return ((path, row.line, dict(row.cells)) for row in rows(path, delimiter="\t", quotes=False))


def _texts(line: Line) -> tuple[str, ...]:
    path, number, fields = line
    form = next((form for form in FORMS if all(name in fields for name in _names(form))), None)
    if form is None:
        known = "; ".join(", ".join(_names(form)) for form in FORMS)
        raise ValueError(f"{path}:{number}: no text: there is {listing(fields)}, where a task has {known}")
    for name in _names(form):
        if not isinstance(fields[name], str | int | float):
            raise ValueError(f"{path}:{number}: {name} is {kind_of(fields[name])}, where a text belongs")
    return tuple(part.format_map(fields) for part in form)


def _names(form: tuple[str, ...]) -> list[str]:
    return [name for part in form for _, name, _, _ in Formatter().parse(part) if name]


def _label(line: Line) -> str:
    """A label as text: a number from 0, a word, or false and true as 0 and 1."""
    path, number, fields = line
    if "label" not in fields:
        raise ValueError(f"{path}:{number}: no field 'label': there is {listing(fields)}")
    label = fields["label"]
    label = int(label) if isinstance(label, bool) else label
    if not isinstance(label, int | str) or label == "" or (isinstance(label, int) and label < 0):
        raise ValueError(f"{path}:{number}: label={short_repr(label)}: give a number from 0, or a word")
    return str(label)
