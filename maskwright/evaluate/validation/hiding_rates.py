"""How often each part of speech is hidden in the course of a run, measured with the weights that it had at each step.

Shapes: S steps, K parts of speech, V tokens of the vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ...objectives.base.objective import Objective
from ...run import build
from ...run.config import Config
from ...text import pos_lexicon
from .mask_coverage import by_class

SAMPLE = 32
"""Batches that are masked at each step, the same ones."""


@dataclass(frozen=True)
class Rates:
    """The share of the tokens of K parts of speech that are hidden at S steps."""

    kinds: Sequence[str]
    steps: np.ndarray
    """[S] int64."""
    hidden: np.ndarray
    """[S, K] float64."""
    frequency: np.ndarray
    """[K] float64, the share of each part of speech in the lexicon."""

    @property
    def relative(self) -> np.ndarray:
        """[S, K] float64, the rates beside that of all parts of speech, which is 1."""
        found: np.ndarray = self.hidden / (self.hidden @ self.frequency)[:, None]
        return found


def rates(config: Config, data: build.Data, steps: np.ndarray, weights: np.ndarray, lexicon: Path) -> Rates:
    """Mask the first rows of a run again, with what it knew at its start and at each of `steps`.

    steps: [S]. weights: [S, V] of `mask_weights.parquet`. lexicon: see `pos_lexicon`. Parts of speech that the rows do
    not have are left out.
    """
    kinds, counts = pos_lexicon.tokens(pos_lexicon.read(lexicon), data.shards.tokenizer)
    live = build.objective(config, data.shards)
    batches = [data.loader.batch(step, max(data.steps, SAMPLE)) for step in range(SAMPLE)]
    every, found = np.array([0, *steps]), []
    for step, weight in zip(every.tolist(), [None, *weights], strict=True):
        if weight is not None:
            _put(live, torch.from_numpy(weight))
        here = [replace(rows, progress=step / data.steps) for rows in batches]
        found.append(by_class(here, live, counts / counts.sum(0).clip(min=1), config.seed))
    hidden = np.array(found)
    known = np.isfinite(hidden).all(0)
    frequency = counts.sum(1)[known] / counts.sum(1)[known].sum()
    return Rates([kind for kind, here in zip(kinds, known, strict=True) if here], every, hidden[:, known], frequency)


def _put(objective: Objective, weight: torch.Tensor) -> None:
    """Set the weights of tokens, wherever in its state an objective has them."""
    state = objective.state_dict()
    names = [name for name, one in state.items() if name.rpartition(".")[2] == "weight" and one.shape == weight.shape]
    objective.load_state_dict(state | dict.fromkeys(names, weight))
