"""What predictions in the official format score, by the items that they answer."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...files.errors import short_repr
from ...files.json_files import read_object
from ...settings.registry import module
from ..finetuning.metrics import agreement
from ..scoring.jsonl import read
from ..scoring.minimal_pairs import Item
from ..suites import reading
from .tasks import OF_GLUE, Task

Predictions = dict[str, list[dict[str, Any]]]
"""The lines of each paradigm."""
Asked = dict[str, list[Item]]
"""The items of each paradigm."""
WHOLE = frozenset({"ewok", "comps"})
"""Suites whose predictions hold the whole text, not only the scored part."""


def predictions(path: Path) -> Predictions:
    """The lines of a predictions.json. Raises ValueError for another form."""
    found: Predictions = {}
    for paradigm, made in read_object(path).items():
        lines = made.get("predictions") if isinstance(made, dict) else None
        if not isinstance(lines, list) or not all(isinstance(line, dict) and "pred" in line for line in lines):
            raise ValueError(f"{path}: {short_repr(paradigm)} needs a list 'predictions' of objects, each with 'pred'")
        found[paradigm] = lines
    return found


def asked(task: Task, place: Path) -> Asked:
    """The items of a task in `place`."""
    items: Asked = {}
    for item in module("evaluate.suites", task.suite).items(place):
        items.setdefault(item.paradigm, []).append(item)
    return items


def accuracies(task: Task, made: Predictions, items: Asked) -> dict[str, float]:
    """How often the choices of each paradigm are right.

    Raises ValueError when there are other items than predictions, or a choice is none of the texts of its item, as in
    predictions of another year.
    """
    return {paradigm: _accuracy(task, paradigm, lines, items.get(paradigm, [])) for paradigm, lines in made.items()}


def _accuracy(task: Task, paradigm: str, lines: list[dict[str, Any]], items: list[Item]) -> float:
    if len(lines) != len(items):
        raise ValueError(
            f"{task.column}: {paradigm} has {len(lines):,} predictions, and the data {len(items):,} items: give the "
            "data that was asked with --data"
        )
    right = 0
    for line, item in zip(lines, items, strict=True):
        texts = [text.text if task.suite in WHOLE else text.text[text.start :] for text in item.texts]
        if line["pred"] not in texts:
            raise ValueError(
                f"{task.column}: {line.get('id', paradigm)} is {short_repr(line['pred'])}, none of its texts: it is of "
                "other data, or of the evaluation of another year"
            )
        right += line["pred"].strip() == texts[0].strip()
    return right / len(items)


def against_target(made: Predictions, items: Asked) -> dict[str, float]:
    """The same, with the text that is written down compared with the scored part of the right one alone.

    The official program does so for the fast EWoK, where whole texts are written down, so that it always finds 0.
    """
    found = {}
    for paradigm, lines in made.items():
        first = [item.texts[0] for item in items[paradigm]]
        targets = [text.text[text.start :].strip() for text in first]
        found[paradigm] = float(np.mean([a["pred"].strip() == b for a, b in zip(lines, targets, strict=True)]))
    return found


def mean(task: Task, found: Mapping[str, float]) -> float:
    """The score of a task: the mean over its paradigms; of entity tracking over the files of means over theirs."""
    if task.suite != "entity_tracking":
        return float(np.mean(list(found.values())))
    splits = dict.fromkeys(paradigm.rsplit("_", 2)[0] for paradigm in found)
    of = ([score for paradigm, score in found.items() if paradigm.rsplit("_", 2)[0] == split] for split in splits)
    return float(np.mean([np.mean(scores) for scores in of]))


def reading_times(made: Predictions, place: Path) -> dict[str, float]:
    """`spr` and `rt`, the shares of variance of self-paced reading and of eye tracking."""
    lines = made["reading"]
    columns = (np.array([line[name] for line in lines], np.float64) for name in ("pred", "prev_pred"))
    found = reading.figures(reading.read(place / "reading_data.csv"), *columns)
    return {"spr": found["self_paced"], "rt": found["eye_tracking"]}


def fine_tuned(name: str, lines: Iterable[dict[str, Any]], valid: Path) -> float:
    """What counts of a task of fine-tuning, by its validation file."""
    truth = np.array([int(line["label"]) for _, _, line in read(valid, {})])
    found = np.array([int(line["pred"]) for line in lines])
    if len(truth) != len(found):
        raise ValueError(f"{name} has {len(found):,} predictions, and {valid} {len(truth):,} examples")
    return agreement(found, truth, int(max(truth.max(), found.max())) + 1)[OF_GLUE[name]]
