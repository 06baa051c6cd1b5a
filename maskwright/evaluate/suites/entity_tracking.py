"""Entity tracking: what is in a box after several moves (Kim and Schuster 2023, arXiv 2305.02363).

The first option is right; with five options chance is 20 %.
"""

from collections.abc import Iterator
from pathlib import Path

from ...files.errors import short_repr
from ...files.names import stem
from ...run.load import LoadedRun
from ..scoring.jsonl import folder, read
from ..scoring.minimal_pairs import Item
from ..scoring.scorer import Text
from ._pairs import Options, evaluate_pairs

__all__ = ["Options", "evaluate"]

FIELDS = {"input_prefix": str, "options": list, "numops": int}


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over paradigms), by split (the file name), and by paradigm: split and number of operations.

    data: the folder of the JSONL files; or a folder that contains it as `entity_tracking` or `entity_tracking_fast`.
    """
    place = folder(data, "entity_tracking", "entity_tracking_fast")
    return evaluate_pairs(run, items(place), options, ("entity_tracking", place.name))


def items(place: Path) -> Iterator[Item]:
    """The items of all files."""
    for path, number, line in read(place, FIELDS):
        prefix, options = line["input_prefix"], line["options"]
        if len(options) < 2 or not all(isinstance(option, str) and option for option in options):
            raise ValueError(
                f"{path}:{number}: options={short_repr(options)}: give at least two texts, the right one first"
            )
        texts = tuple(Text(prefix + option, len(prefix)) for option in options)
        yield Item(texts, {"split": stem(path), "paradigm": f"{stem(path)}_{line['numops']}_ops"})
