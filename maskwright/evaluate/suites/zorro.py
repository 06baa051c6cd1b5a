"""Zorro: minimal pairs in the vocabulary of child-directed speech (Huebner et al. 2021, BabyBERTa, section 3.2).

A file is a paradigm, `PHENOMENON-PARADIGM.txt`; its lines alternate, ungrammatical then grammatical.
"""

from collections.abc import Iterator
from pathlib import Path

from ...files.names import of_kind, stem
from ...files.text import lines
from ...run.load import LoadedRun
from ..scoring.jsonl import folder
from ..scoring.minimal_pairs import Item
from ..scoring.scorer import Text
from ._pairs import Options, evaluate_pairs

__all__ = ["Options", "evaluate"]


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over paradigms), and by phenomenon and paradigm.

    data: the folder of the text files; or a folder that contains it as `zorro` or `sentences/babyberta`.
    """
    place = folder(data, "zorro", "sentences/babyberta", kinds=(".txt",))
    return evaluate_pairs(run, items(place), options, ("zorro", place.name))


def items(place: Path) -> Iterator[Item]:
    """The pairs of all files. Raises ValueError when a file has an odd number of lines or an empty one."""
    for path in of_kind(place, ".txt"):
        found = [line for _, line in lines(path)]
        if len(found) % 2 or not all(line.strip() for line in found):
            empty = next((number for number, line in enumerate(found, 1) if not line.strip()), len(found))
            raise ValueError(f"{path}:{empty}: lines come in pairs, the wrong sentence and then the right one")
        groups = {"phenomenon": stem(path).partition("-")[0], "paradigm": stem(path)}
        for bad, good in zip(found[::2], found[1::2], strict=True):
            yield Item((Text(good), Text(bad)), groups)
