"""Files of every suite, some of them damaged, or with a value that does not fit.

Whatever is taken has figures, for as many items as there are lines.
"""

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from faults.finished import opened
from faults.outcome import expect, tried
from faults.pieces import mutated, odd, text
from maskwright.evaluate.suites._evaluate import evaluate_run

Line = dict[str, Any]


def attempt(chance: Random, folder: Path) -> bool:
    """Evaluate a tiny model on a suite; the figures are of all its lines, or a file is refused by name."""
    name = chance.choice([*LINES, "reading", "zorro", "perplexity"])
    data = folder / "data"
    data.mkdir()
    if name in LINES:
        make, required = LINES[name]
        lines = [make(chance) for _ in range(chance.randint(2, 6))]
        strange = _strange(chance, lines, required)
        content = "\n".join(map(json.dumps, lines))
        path = data / "part.jsonl"
    else:
        lines, strange, content = [], "", FILES[name](chance)
        path = data / {"reading": "reading_data.csv", "zorro": "a-b.txt", "perplexity": "a.txt"}[name]
    written = content.encode()
    if damaged := chance.random() < 0.2:
        written = mutated(chance, written)
    path.write_bytes(written)
    plain = name in ("reading", "perplexity", *TRAINED)
    options = [] if plain else [f"per={chance.choice(('text', 'token', 'byte'))}"]
    if name in TRAINED:
        path.rename(data / "train.jsonl")
        (data / "valid.jsonl").write_bytes(written)
        options = ["seeds=1", "epochs=1", "device=cpu"]
    found, said = tried(
        lambda: evaluate_run(name, opened(), data, options), path.name, "train.jsonl", "max_length", "data"
    )
    if found is not None and not damaged:
        expect(not strange, f"taken with {strange}")
        expect(all(math.isfinite(number) for number in found.values()), f"not finite: {found}")
        items = found.get("items", len(lines)) + found.get("dropped", 0)
        expect(not lines or items == len(lines), f"{items} items of {len(lines)} lines")
    elif said and not damaged and not strange and name in LINES and name not in TRAINED and "max_length" not in said:
        expect(False, f"refused what is whole: {said}")
    return not said


def _strange(chance: Random, lines: list[Line], required: tuple[str, ...]) -> str:
    """What was made of a line that must be refused; often nothing."""
    if chance.random() < 0.5:
        return ""
    line, field = chance.choice(lines), chance.choice(required)
    if chance.random() < 0.3:
        del line[field]
        return f"no {field}"
    before, line[field] = line[field], odd(chance)
    given = line[field]
    fits = isinstance(given, str) and isinstance(before, str) and given.strip() and given != "\ud800"
    if field == "sentences":
        fits = fits and len([one for one in given.split("\t") if one]) == 2 == given.count("\t") + 1
    if field == "sentence":  # numbers may be texts
        fits = fits or (isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < math.inf)
    if field == "options":
        fits = isinstance(given, list) and len(given) > 1 and all(isinstance(one, str) and one for one in given)
    elif not isinstance(before, str):
        fits = fits or type(before) is type(given)
    if fits:
        return ""
    return f"{field}={line[field]!r}"[:200]


def _sentence(chance: Random) -> str:
    return text(chance) + chance.choice(("cat", "dog"))


def _texts(*fields: str, **fixed: str) -> Callable[[Random], Line]:
    return lambda chance: {field: _sentence(chance) for field in fields} | fixed


def _entity(chance: Random) -> Line:
    options = [_sentence(chance) for _ in range(chance.randint(2, 4))]
    return {"input_prefix": _sentence(chance), "options": options, "numops": chance.randint(0, 4)}


def _wug(chance: Random) -> Line:
    first, second = (_sentence(chance).replace("\t", " ") for _ in range(2))
    return {"sentences": f"{first}\t{second}", "ratio": chance.choice((0, 1, 0.5, "0.25"))}


def _task(chance: Random) -> Line:
    return {"sentence": _sentence(chance), "label": chance.choice((0, 1))}


def _edge(chance: Random) -> Line:
    return {
        "text": "the cat sat",
        "targets": [{"span1": [0, chance.randint(1, 3)], "label": chance.choice(("a", "b"))}],
    }


PAIR = ("sentence_good", "sentence_bad")
BLIMP = {"field": "syntax", "linguistics_term": "agreement", "UID": "first"}
COMPS = ("prefix_acceptable", "prefix_unacceptable", "property_phrase")
EWOK = ("Context1", "Context2", "Target1", "Target2")
EWOK_GROUPS = {"Domain": "d", "ContextType": "direct", "ContextDiff": "x", "TargetDiff": "y"}
LINES: dict[str, tuple[Callable[[Random], Line], tuple[str, ...]]] = {
    "blimp": (_texts(*PAIR, **BLIMP), (*PAIR, *BLIMP)),
    "blimp_supplement": (_texts(*PAIR), PAIR),
    "comps": (_texts(*COMPS), COMPS),
    "ewok": (_texts(*EWOK, **EWOK_GROUPS), (*EWOK[:3], *EWOK_GROUPS)),
    "entity_tracking": (_entity, ("input_prefix", "options")),
    "wug_adj": (_wug, ("sentences",)),
    "wug_past": (_wug, ("sentences",)),
    "classification": (_task, ("sentence",)),
    "edges": (_edge, ("text", "targets")),
}
"""Suite to a maker of its lines, and the fields that they need."""
TRAINED = ("classification", "edges")

READING = (
    "item", "word", "prev_item", "prev_word", "RTfirstfix", "RTfirstpass", "RTgopast", "RTrightbound",
    "self_paced_reading_time", "Subtlex_log10", "length", "context_length", "prev_length",
)  # fmt: skip


def _reading(chance: Random) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(READING)
    odd_numbers = ("NA", "", "1e400", "x", "nan", "-inf")
    for _ in range(chance.randint(0, 30)):
        words = [text(chance, 2).replace("\r", "") for _ in range(4)]
        numbers = [chance.choice(odd_numbers) if chance.random() < 0.01 else chance.randint(0, 900) for _ in range(9)]
        writer.writerow([*words, *numbers])
    return sink.getvalue()


def _zorro(chance: Random) -> str:
    count = 2 * chance.randint(0, 4) + chance.choice((0, 0, 0, 1))
    return "\n".join(text(chance).replace("\n", " ") for _ in range(count))


def _prose(chance: Random) -> str:
    return "\n\n".join(text(chance, 200) for _ in range(chance.randint(0, 5)))


FILES: dict[str, Callable[[Random], str]] = {"reading": _reading, "zorro": _zorro, "perplexity": _prose}
