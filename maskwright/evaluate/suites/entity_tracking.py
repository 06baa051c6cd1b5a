"""Entity tracking: what is in a box after several moves (Kim and Schuster 2023, arXiv 2305.02363).

The first option is right; with five options chance is 20 %. The official BabyLM evaluation of 2026 leaves out items
with "nothing" among the options.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ...files.errors import short_repr
from ...files.names import stem
from ...run.load import LoadedRun
from ..scoring.jsonl import folder, read
from ..scoring.minimal_pairs import Item, Rules, accuracies
from ..scoring.scorer import Text
from ._pairs import Options, evaluate_pairs

__all__ = ["Options", "evaluate"]

FIELDS = {"input_prefix": str, "options": list, "numops": int}


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over the splits, which are files, of means over paradigms), by split, and by paradigm: split and
    number of operations. `dropped`: items left out.

    data: the folder of the JSONL files; or a folder that contains it as `entity_tracking` or `entity_tracking_fast`.
    """
    place = folder(data, "entity_tracking", "entity_tracking_fast")
    every = list(items(place, 2025))
    kept = [item for item in every if _is_asked(item, options.rules)]
    by_split = partial(accuracies, over="split")
    numbers = evaluate_pairs(run, kept, options, ("entity_tracking", place.name), summary=by_split)
    numbers["dropped"] = len(every) - len(kept)
    return numbers


def items(place: Path, rules: Rules = 2026) -> Iterator[Item]:
    """The items of all files that the year's evaluation asks."""
    for path, number, line in read(place, FIELDS):
        prefix, options = line["input_prefix"], line["options"]
        if len(options) < 2 or not all(isinstance(option, str) and option for option in options):
            raise ValueError(
                f"{path}:{number}: options={short_repr(options)}: give at least two texts, the right one first"
            )
        texts = tuple(Text(prefix + option, len(prefix)) for option in options)
        item = Item(texts, {"split": stem(path), "paradigm": f"{stem(path)}_{line['numops']}_ops"})
        if _is_asked(item, rules):
            yield item


def _is_asked(item: Item, rules: Rules) -> bool:
    return rules == 2025 or not any("nothing" in text.text[text.start :] for text in item.texts)
