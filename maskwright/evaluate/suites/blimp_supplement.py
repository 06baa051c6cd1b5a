"""The BLiMP supplement of the BabyLM challenge: minimal pairs like BLiMP's, one file per paradigm."""

from collections.abc import Iterator
from pathlib import Path

from ...files.names import stem
from ...run.load import LoadedRun
from ..scoring.jsonl import folder, read
from ..scoring.minimal_pairs import Item
from ..scoring.scorer import Text
from ._pairs import Options, evaluate_pairs

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over paradigms), and by paradigm, named after its file.

    data: the folder of the JSONL files; or a folder that contains it as `supplement_filtered` or `supplement_fast`.
    """
    place = folder(data, "supplement_filtered", "supplement_fast", "supplement")
    return evaluate_pairs(run, items(place), options, ("blimp", place.name))


def items(place: Path) -> Iterator[Item]:
    """The pairs of all files."""
    for path, _, line in read(place, {"sentence_good": str, "sentence_bad": str}):
        yield Item((Text(line["sentence_good"]), Text(line["sentence_bad"])), {"paradigm": stem(path)})
