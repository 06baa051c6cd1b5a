"""COMPS: which of two concepts has a property (Misra et al. 2023, "COMPS", arXiv 2210.01963).

The same property is scored after either concept.
"""

from collections.abc import Iterator
from pathlib import Path

from ...files.names import stem
from ...run.load import LoadedRun
from ..scoring.jsonl import folder, read
from ..scoring.minimal_pairs import Item
from ..scoring.scorer import Text
from ._pairs import Options, evaluate_pairs

__all__ = ["Options", "evaluate"]

FIELDS = dict.fromkeys(("prefix_acceptable", "prefix_unacceptable", "property_phrase"), str)


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over the parts), and by part: base, wugs, wugs_dist_before, wugs_dist_in_between.

    data: the folder of the JSONL files (comps_base, comps_wugs, …); or a folder that contains it as `comps`.
    """
    place = folder(data, "comps")
    return evaluate_pairs(run, items(place), options, ("comps", place.name), whole=True)


def items(place: Path) -> Iterator[Item]:
    """The items of all files."""
    for path, _, line in read(place, FIELDS):
        prefixes = (line["prefix_acceptable"], line["prefix_unacceptable"])
        texts = tuple(Text(f"{prefix} {line['property_phrase']}", len(prefix) + 1) for prefix in prefixes)
        yield Item(texts, {"part": stem(path).removeprefix("comps_").replace("-", "_")})
