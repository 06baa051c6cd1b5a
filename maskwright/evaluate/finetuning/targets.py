"""What fine-tuning learns to say of an example: its class, a number, or a tag for each of its words.

Shapes: N examples, n answers (one for each example, or for each word of some), C scores of an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .metrics import agreement, closeness, entities


class Target(Protocol):
    """What is learned."""

    @property
    def outputs(self) -> int:
        """Scores of an answer, C."""

    @property
    def metric(self) -> str:
        """The number for early stopping where none is chosen."""

    def loss(self, scores: Tensor, chosen: np.ndarray) -> Tensor:
        """The mean loss of `scores` [n, C] for the examples `chosen` [B]."""

    def found(self, scores: Tensor) -> np.ndarray:
        """[n] what the scores say."""

    def numbers(self, found: np.ndarray, chosen: np.ndarray) -> dict[str, float]:
        """How good the answers `found` [n] are for the examples `chosen`."""


@dataclass(frozen=True)
class Classes:
    """A class for each example."""

    labels: np.ndarray
    """[N] int64 below `outputs`."""
    outputs: int
    metric: str = "accuracy"

    def loss(self, scores: Tensor, chosen: np.ndarray) -> Tensor:
        """Cross-entropy."""
        return F.cross_entropy(scores, torch.from_numpy(self.labels[chosen]).to(scores.device))

    def found(self, scores: Tensor) -> np.ndarray:
        """[n] int64, the classes."""
        return scores.argmax(1).cpu().numpy()

    def numbers(self, found: np.ndarray, chosen: np.ndarray) -> dict[str, float]:
        """See `agreement`."""
        return agreement(found, self.labels[chosen], self.outputs)


@dataclass(frozen=True)
class Amounts:
    """A number for each example, such as how alike two sentences are."""

    labels: np.ndarray
    """[N] float64."""
    outputs: int = 1
    metric: str = "spearman"

    def loss(self, scores: Tensor, chosen: np.ndarray) -> Tensor:
        """Mean squared error, in the unit of the labels."""
        return F.mse_loss(scores[:, 0].float(), torch.from_numpy(self.labels[chosen]).float().to(scores.device))

    def found(self, scores: Tensor) -> np.ndarray:
        """[n] float64, the numbers."""
        return scores[:, 0].double().cpu().numpy()

    def numbers(self, found: np.ndarray, chosen: np.ndarray) -> dict[str, float]:
        """See `closeness`."""
        return closeness(found, self.labels[chosen])


@dataclass(frozen=True)
class Tags:
    """A tag for each word of an example, which is a sentence or a part of one that is too long."""

    labels: Sequence[np.ndarray]
    """N of [words] int64."""
    names: tuple[str, ...]
    """The C tags."""
    sentences: np.ndarray
    """[N] int64, the sentence that an example is of."""

    @property
    def outputs(self) -> int:
        return len(self.names)

    @property
    def spans(self) -> bool:
        """Whether the tags mark spans: all are O, or begin with B-, I- and the like, and some do."""
        return is_spans(self.names)

    @property
    def metric(self) -> str:
        return "f1" if self.spans else "accuracy"

    def loss(self, scores: Tensor, chosen: np.ndarray) -> Tensor:
        """Cross-entropy over words."""
        return F.cross_entropy(scores, torch.from_numpy(self._truth(chosen)).to(scores.device))

    def found(self, scores: Tensor) -> np.ndarray:
        """[n] int64, the tags."""
        return scores.argmax(1).cpu().numpy()

    def numbers(self, found: np.ndarray, chosen: np.ndarray) -> dict[str, float]:
        """`accuracy` over words; of spans `f1`, `precision` and `recall` of whole entities, else F1 and MCC of tags."""
        truth = self._truth(chosen)
        numbers = agreement(found, truth, self.outputs)
        if not self.spans:
            return numbers
        sizes = np.cumsum([0, *(len(self.labels[one]) for one in chosen)])
        begins = np.flatnonzero(np.r_[True, np.diff(self.sentences[chosen]) != 0, True])  # parts of a sentence are one
        places = [slice(sizes[first], sizes[last]) for first, last in pairwise(begins)]
        named = [[[self.names[tag] for tag in tags[place]] for place in places] for tags in (found, truth)]
        return {"accuracy": numbers["accuracy"]} | entities(*named)

    def _truth(self, chosen: np.ndarray) -> np.ndarray:
        return np.concatenate([self.labels[one] for one in chosen])


def is_spans(names: Sequence[str]) -> bool:
    """Whether tags mark spans, by IOB and its relatives."""
    marked = [name for name in names if name[:1] in tuple("BIESLU") and name[1:2] == "-"]
    return bool(marked) and all(name == "O" or name in marked for name in names)
