"""A few lines of every official file, in the official layouts."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from maskwright.evaluate.babylm import collate, tasks
from maskwright.evaluate.babylm.tasks import Sizes

WORDS = ["names", "values", "objects", "rules", "lists", "statements"]
AGES = range(16, 31)
NUMBERS = ["RTfirstfix", "RTfirstpass", "RTgopast", "RTrightbound", "self_paced_reading_time", "Subtlex_log10"]
NUMBERS += ["length", "context_length", "prev_length"]
GLUE = {
    "boolq": ("question", "passage"), "mnli": ("premise", "hypothesis"), "mrpc": ("sentence1", "sentence2"),
    "multirc": ("question", "answer", "paragraph"), "qqp": ("question1", "question2"),
    "rte": ("sentence1", "sentence2"), "wsc": ("span2_text", "span1_text", "text"),
}  # fmt: skip

TINY = {
    "blimp": (2, 6, 2, 6), "blimp_supplement": (1, 3, 1, 3), "ewok": (1, 2, 1, 2),
    "entity_tracking_filtered": (6, 12, 2, 4), "comps": (4, 12, 0, 0), "global_piqa_parallel": (4, 4, 4, 4),
    "global_piqa_nonparallel": (4, 4, 4, 4), "reading": (1, 40, 1, 40),
}  # fmt: skip
"""Paradigms and items of the files here, in full and fast."""


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts of the files here in place of the official ones."""
    sizes = {name: (Sizes(*some[:2]), Sizes(*some[2:])) for name, some in TINY.items()}
    tiny = [replace(task, sizes=sizes[task.column][0], fast_sizes=sizes[task.column][1]) for task in tasks.TASKS]
    monkeypatch.setattr(collate, "TASKS", tiny)
    monkeypatch.setattr(collate, "AOA", 12)
    for name in tasks.GLUE:
        monkeypatch.setitem(tasks.GLUE, name, 6)


def blimp(number: int) -> list[dict]:
    facts = {"field": "syntax_semantics", "linguistics_term": "binding", "UID": f"UID_{number}"}
    pairs = [(f"The {word} are bound.", f"The {word} is bound to a.") for word in WORDS[:3]]
    return [{"sentence_good": good, "sentence_bad": bad} | facts for good, bad in pairs]


def supplement() -> list[dict]:
    return [{"sentence_good": f"What are {word}?", "sentence_bad": f"Are what {word}?"} for word in WORDS[:3]]


def ewok() -> list[dict]:
    one = {"Context1": "The value is large.", "Context2": "The value is small.", "Target1": "It is not small."}
    other = {"Context1": "Names are few here.", "Context2": "Names are many.", "Target1": "They are not many."}
    facts = {"Domain": "spatial-relations", "ContextType": "direct", "ContextDiff": "antonym", "TargetDiff": "swap"}
    return [line | {"Target2": "They are large."} | facts for line in (one, other)]


def boxes(split: str) -> list[dict]:
    options = [f"the {word}" for word in WORDS[:5]]
    lines = [{"input_prefix": f"Box {i} holds the {split}. Box {i} has ", "numops": i % 2} for i in range(4)]
    kept = [line | {"options": options[i:] + options[:i]} for i, line in enumerate(lines)]
    return [*kept, lines[0] | {"options": ["nothing", *options[1:]]}]


def comps() -> list[dict]:
    return [
        {"prefix_acceptable": f"A {word}", "prefix_unacceptable": "A binding of it", "property_phrase": "has a value."}
        for word in WORDS[:3]
    ]


def piqa(solutions: int) -> list[dict]:
    lines = []
    for number, word in enumerate(WORDS[:4]):
        given = {f"solution{i}": f"{WORDS[(number + i) % 6]} are read{' twice' * i}." for i in range(solutions)}
        lines.append({"prompt": f"To find {word},", "label": number % solutions, "example_id": f"eng_{number}"} | given)
    return lines


def reading() -> list[dict]:
    rows, before = [], ("", "")
    for i in range(40):
        item, word = " ".join(WORDS[(i + k) % 6] for k in range(1 + i % 4)), " " * (i % 2) + WORDS[(i * 7 + i // 6) % 6]
        item = "" if i == 5 else item
        numbers = {name: f"{((i + 3) * (k + 7) * 2654435761 % 1000) / 100:.2f}" for k, name in enumerate(NUMBERS)}
        rows.append({"item": item, "word": word, "prev_item": before[0], "prev_word": before[1]} | numbers)
        before = (item, word) if i % 5 else ("", "")
    return rows


def write(root: Path, fast: bool = False) -> Path:
    """The folder `evaluation_data` below `root`, with its full part and, if asked, its fast part."""
    data = root / "evaluation_data"
    for part in ["full_eval", "fast_eval"] if fast else ["full_eval"]:
        _write_part(data / part, "fast" if part == "fast_eval" else "filtered")
    return data


def _write_part(place: Path, kind: str) -> None:
    plain = "entity_tracking" if kind == "filtered" else "entity_tracking_fast"
    for number in (1, 2):
        lines(place / f"blimp_{kind}/UID_{number}.jsonl", blimp(number))
    lines(place / f"supplement_{kind}/hypernym.jsonl", supplement())
    lines(place / f"ewok_{kind}/spatial-relations.jsonl", ewok())
    for split in ["regular"] if kind == "fast" else ["regular", "ambiref", "move_contents"]:
        lines(place / f"{plain}/{split}.jsonl", boxes(split))
    for task, count in {"parallel": 4, "nonparallel": 2}.items():
        lines(place / f"global_piqa_{task}/eng_latn.jsonl", piqa(count))
    (place / "reading").mkdir()
    with (place / "reading/reading_data.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(reading()[0]))
        table.writeheader()
        table.writerows(reading())
    if kind == "filtered":
        _write_full(place)


def _write_full(place: Path) -> None:
    for part in ("base", "wugs", "wugs_dist-before", "wugs_dist-in-between"):
        lines(place / f"comps/comps_{part}.jsonl", comps())
    (place / "aoa").mkdir()
    contexts = {word: [{"context": f"It has {i} "} for i in range(2)] for word in WORDS}
    (place / "aoa/cdi_childes.json").write_text(json.dumps(contexts | {"a": [{"context": "It is"}], "none": []}))
    rows = [f"{word}," + ",".join(f"{min(1, (age - 14 - i) / 12):.3f}" for age in AGES) for i, word in enumerate(WORDS)]
    (place / "aoa/cdi_human.csv").write_text("\n".join(["word," + ",".join(map(str, AGES)), *rows]) + "\n")
    for task, fields in GLUE.items():
        classes = 3 if task == "mnli" else 2
        for split, count in {"train": 34, "valid": 6}.items():
            made = [
                {field: f"{WORDS[(i + k) % 6]} are {WORDS[i % 6]}" for k, field in enumerate(fields)}
                for i in range(count)
            ]
            lines(
                place / f"glue_filtered/{task}.{split}.jsonl",
                [line | {"label": i % classes} for i, line in enumerate(made)],
            )


def lines(path: Path, objects: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in objects), encoding="utf-8")
