"""Does a model learn a phenomenon of grammar while a part of speech is hidden more often?

Between each two checkpoints: how often each part of speech is hidden, relative to all tokens, and by how much the
accuracy on each phenomenon changes. The two are correlated given training time, in which both drift, beside the same
with the changes in random order.

Shapes: S steps of the rates, C checkpoints, K parts of speech, P phenomena, R random orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...files.json_files import read_object
from ...run.discover import models
from ..suites._evaluate import evaluate_folder
from .correlation import partial, permuted

FEWEST = 5
"""Checkpoints; with fewer, three changes remain, of which time explains two."""
ORDERS = 1000
SUITE, GROUP = "blimp", "term"


@dataclass(frozen=True)
class Curves:
    """The accuracies of C checkpoints."""

    steps: np.ndarray
    """[C] int64."""
    phenomena: list[str]
    accuracy: np.ndarray
    """[C, P] float64."""


@dataclass(frozen=True)
class Association:
    """The correlations of K rates with the changes of P accuracies, and what chance makes of as many."""

    phenomena: list[str]
    changes: int
    """The number of changes, C − 1."""
    r: np.ndarray
    """[K, P] float64."""
    null: np.ndarray
    """[R, K, P] float64."""

    @property
    def p(self) -> np.ndarray:
        """[K, P] float64, how often chance gives at least the same at this place."""
        return _as_large(np.abs(self.null), self.r)

    @property
    def p_of_all(self) -> np.ndarray:
        """[K, P] float64, how often chance gives at least the same anywhere (Westfall and Young 1993, maximum T)."""
        return _as_large(np.abs(self.null).max((1, 2), keepdims=True), self.r)

    @property
    def largest_by_chance(self) -> float:
        """Below this is the strongest correlation in 95 % of the random orders."""
        return float(np.quantile(np.abs(self.null).max((1, 2)), 0.95))


def _as_large(null: np.ndarray, r: np.ndarray) -> np.ndarray:
    found: np.ndarray = (1 + (null >= np.abs(r) - 1e-12).sum(0)) / (1 + len(null))
    return found


def curves(run: Path, data: Path, limit: int | None = None) -> Curves:
    """Evaluate every model that the run has kept, at numbers of words or else its checkpoints, on BLiMP in `data`.

    limit: pairs of each paradigm. Raises ValueError when there are fewer than FEWEST.
    """
    found = models(run / "words") or models(run / "checkpoints")
    if len(found) < FEWEST:
        raise ValueError(
            f"{run} holds {len(found)} models from during its training: changes of accuracy need at least {FEWEST}; "
            "train with training.keep_at, a list of numbers of words, or training.keep=null"
        )
    options = [] if limit is None else [f"limit={limit}"]
    numbers = [evaluate_folder(SUITE, path, data, options) for path in found.values()]
    names = [name.split("/")[1] for name in numbers[0] if name.startswith(f"{GROUP}/") and name.endswith("/accuracy")]
    table = [[one[f"{GROUP}/{name}/accuracy"] for name in names] for one in numbers]
    return Curves(np.array([_step(row, path) for row, path in found.items()]), names, np.array(table))


def _step(row: str, path: Path) -> int:
    what, _, place = row.partition("/")
    return int(place) if what == "step" else int(read_object(path / "final.json")["step"])


def associate(steps: np.ndarray, rates: np.ndarray, found: Curves) -> Association:
    """Correlate rates, [S, K] at `steps` [S], with the changes of accuracy, each halfway between two checkpoints."""
    middle = (found.steps[1:] + found.steps[:-1]) / 2  # [C - 1]
    present = np.stack([np.interp(middle, steps, one) for one in rates.T], 1)  # [C - 1, K]
    changes = np.diff(found.accuracy, axis=0)
    null = permuted(present, changes, middle, ORDERS, "rates and gains")
    return Association(found.phenomena, len(middle), partial(present, changes, middle), null)


def as_numbers(kinds: Sequence[str], found: Association) -> dict[str, object]:
    """The same as plain data."""
    columns: Mapping[str, np.ndarray] = {"r": found.r, "p": found.p, "p_of_all": found.p_of_all}
    cells = {
        f"{kind}/{phenomenon}": {name: float(column[k, p]) for name, column in columns.items()}
        for k, kind in enumerate(kinds)
        for p, phenomenon in enumerate(found.phenomena)
    }
    return {"changes": found.changes, "largest_by_chance": found.largest_by_chance, "correlations": cells}
