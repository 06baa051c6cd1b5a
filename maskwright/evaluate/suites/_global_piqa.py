"""GlobalPIQA: which solution fits a prompt (Chang et al. 2025, "Global PIQA", arXiv 2510.24081), per token.

A paradigm is an item: the overall mean is over items.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ...files.errors import short_repr
from ...run.load import LoadedRun
from ...settings import settings
from ..scoring.jsonl import Fields, folder, read
from ..scoring.minimal_pairs import Item, ItemResults, accuracies
from ..scoring.scorer import Text
from . import _pairs

FIELDS: Fields = {"prompt": str, "solution0": str, "solution1": str, "label": int, "example_id": (str, int)}
SOLUTION = "solution"


@settings
class Options(_pairs.Options):
    """How the items are scored."""

    per: Literal["token"] = "token"
    """The log-likelihood of a solution is divided by its number of tokens, as in the official evaluation."""
    rules: Literal[2026] = 2026
    """The official BabyLM evaluation of 2025 has no such task."""


def evaluate_solutions(run: LoadedRun, data: Path | None, options: Options, task: str) -> dict[str, float]:
    """The accuracy over the items of a task, `global_piqa_parallel` or `global_piqa_nonparallel`."""
    place = folder(data, task)
    return _pairs.evaluate_pairs(run, items(place), options, (task, place.name), summary=_overall)


def _overall(found: ItemResults) -> dict[str, float]:
    """The accuracies without a row for each item."""
    numbers = accuracies(found)
    for name in [name for name in numbers if "/" in name]:
        del numbers[name]
    return numbers


def items(place: Path) -> Iterator[Item]:
    """The items of all files, the right solution first. Raises ValueError for a label without a solution."""
    for path, number, line in read(place, FIELDS):
        solutions = [
            line[name] for name in sorted(line) if name.startswith(SOLUTION) and name[len(SOLUTION) :].isdigit()
        ]
        if not 0 <= line["label"] < len(solutions):
            raise ValueError(
                f"{path}:{number}: label={short_repr(line['label'])}: give one of 0 to {len(solutions) - 1}"
            )
        if wrong := [one for one in solutions if not isinstance(one, str) or not one]:
            raise ValueError(f"{path}:{number}: a solution is {short_repr(wrong[0])}: give a text")
        solutions.insert(0, solutions.pop(line["label"]))
        prompt = line["prompt"]
        texts = tuple(Text(f"{prompt} {solution}", len(prompt)) for solution in solutions)
        yield Item(texts, {"paradigm": str(line["example_id"])})
