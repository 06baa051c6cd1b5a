"""BLiMP: minimal pairs, 67 paradigms in four fields of grammar (Warstadt et al. 2020, arXiv 1912.00582)."""

from collections.abc import Iterator
from pathlib import Path

from ...run.load import LoadedRun
from ..scoring.jsonl import folder, read
from ..scoring.minimal_pairs import Item
from ..scoring.scorer import Text
from ._pairs import Options, evaluate_pairs

__all__ = ["Options", "evaluate"]

FIELDS = dict.fromkeys(("sentence_good", "sentence_bad", "field", "linguistics_term", "UID"), str)


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over paradigms), and by field, phenomenon and paradigm.

    data: the folder of the JSONL files; or a folder that contains it as `blimp`, `blimp_filtered` or `blimp_fast`.
    """
    place = folder(data, "blimp", "blimp_filtered", "blimp_fast")
    return evaluate_pairs(run, items(place), options, ("blimp", place.name))


def items(place: Path) -> Iterator[Item]:
    """The pairs of all files."""
    for _, _, line in read(place, FIELDS):
        groups = {"field": line["field"].replace("/", "_"), "term": line["linguistics_term"], "paradigm": line["UID"]}
        yield Item((Text(line["sentence_good"]), Text(line["sentence_bad"])), groups)
