"""What suites said of a run, taken only where it was said of the run's own weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from ..evaluate.suites._evaluate import RULES, WEIGHTS
from ..files.json_files import read_object
from ..run import saved

TRAINING = {"validation", "layers"}
"""Suites that repeat the exams of training, which are in final.json already."""
Answers = dict[str, dict[str, float]]
"""The metrics of each suite by its name, such as `blimp,data=full_eval`."""


def answers(folder: Path) -> Answers:
    """What suites said of the run in `folder`.

    Raises ValueError when a result is of other weights than the run's, or does not say of which.
    """
    kept = [path for path in (folder / "evaluations").glob("*.json") if path.stem.partition(",")[0] not in TRAINING]
    own = saved.weights(saved.read(folder / "final")) if kept else ""
    return {path.stem: _of_run(path, own, folder) for path in sorted(kept)}


def _of_run(path: Path, own: str, folder: Path) -> dict[str, float]:
    numbers = read_object(path)
    of = numbers.pop(WEIGHTS, "")
    numbers.pop(RULES, None)
    if of != own:
        whose = f"of the weights {of[:12]}…" if of else "of weights that it does not name"
        raise ValueError(f"{path} is {whose}, not of those in {folder / 'final'}: evaluate the run again")
    return numbers


@dataclass(frozen=True)
class Items:
    """The N items of a suite."""

    paradigm: np.ndarray
    """[N] str."""
    credit: np.ndarray
    """[N] float64: 1 where the right text scored highest, else 0 or a share in a tie."""


def items(folder: Path, suite: str) -> Items | None:
    """The items of a suite that was evaluated on the run in `folder`; None where they were not kept."""
    path = folder / "evaluations" / f"{suite}.npz"
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        return Items(arrays["paradigm"], arrays["credit"])


def copies(found: Sequence[tuple[str, Answers]]) -> Iterator[str]:
    """A sentence for every two of the named runs of which a suite says exactly the same."""
    for (one, left), (other, right) in combinations(found, 2):
        for suite in left.keys() & right.keys():
            if left[suite] == right[suite]:
                yield f"{one} and {other} have the same {len(left[suite])} numbers in {suite}: one may be a copy"
