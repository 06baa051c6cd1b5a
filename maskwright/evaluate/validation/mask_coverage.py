"""What an objective asks over several epochs: how much of the text, how differently, and what stands there instead.

Every figure comes with the one that chance gives, when each position is asked independently with the realised ratio p:
after e different corruptions 1 − (1 − p)^e of the positions have been asked; two of them differ by 1 − p / (2 − p).

Shapes: E epochs, B rows, L positions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import torch

from ...data.rows import Rows
from ...masking.select import IGNORE
from ...objectives.base.objective import Objective
from ...settings.registry import name_of

LONGEST = 15
"""Runs of this length and longer are counted together."""
FATES = ("masked", "random", "kept")


@dataclass(frozen=True)
class Coverage:
    """The figures of one objective over E epochs."""

    objective: str
    num_static_masks: int | None
    """How many different corruptions a row gets; none for a new one each epoch."""
    ratio: float
    """Share of the positions that could be asked which were, in an epoch."""
    covered: list[float]
    """[E] share of them that were asked at least once after so many epochs."""
    covered_by_chance: list[float]
    diversity: float
    """How different two epochs are: 1 − |both| / |either|, the mean over all pairs."""
    diversity_by_chance: float
    fates: dict[str, float]
    """Share of the asked positions that are masked, replaced by another token, or kept."""
    runs: list[float]
    """[LONGEST] share of the runs of neighbouring asked positions that have 1, 2, ... positions."""
    runs_by_chance: list[float]


def report(
    batches: Iterable[Rows], objectives: Sequence[Objective], epochs: int = 10, seed: int = 0
) -> list[dict[str, Any]]:
    """The figures of each objective with one static mask, with ten and with dynamic masks, as plain data.

    batches: rows of text, whatever their epoch; some thousands are enough. objectives: live ones.
    Raises ValueError when there are no rows.
    """
    rows = list(batches)
    if not rows:
        raise ValueError("there are no rows to mask")
    variants = [(objective, masks) for objective in objectives for masks in (1, 10, None)]
    return [asdict(coverage(rows, objective, masks, epochs, seed)) for objective, masks in variants]


def coverage(
    batches: Sequence[Rows], objective: Objective, num_static_masks: int | None, epochs: int, seed: int
) -> Coverage:
    """The figures of `objective` over `epochs` epochs of `batches`, when masks repeat after `num_static_masks`."""
    masks = num_static_masks or epochs
    asked = [np.stack([_asked(rows, objective, epoch % masks, seed) for epoch in range(epochs)]) for rows in batches]
    free = sum(int(rows.maskable.sum()) for rows in batches)
    p = sum(int(every.sum()) for every in asked) / (epochs * free)
    pairs = list(combinations(range(epochs), 2))
    different = np.mean([one % masks != other % masks for one, other in pairs] or [False])
    return Coverage(
        objective=name_of(objective.settings) + ", balanced" * getattr(objective, "balance", False),
        num_static_masks=num_static_masks,
        ratio=p,
        covered=[sum(int(every[: e + 1].any(0).sum()) for every in asked) / free for e in range(epochs)],
        covered_by_chance=[1 - (1 - p) ** min(e + 1, masks) for e in range(epochs)],
        diversity=float(np.mean([_difference(asked, *pair) for pair in pairs] or [0])),
        diversity_by_chance=float(different * (1 - p / (2 - p))),
        fates=_fates(batches, objective, seed),
        runs=_runs(asked),
        runs_by_chance=[*((1 - p) * p ** np.arange(LONGEST - 1)).tolist(), p ** (LONGEST - 1)],
    )


def in_epoch(rows: Rows, epoch: int) -> Rows:
    """The rows as they come in an epoch."""
    return replace(rows, epoch=torch.full_like(rows.epoch, epoch))


def _asked(rows: Rows, objective: Objective, epoch: int, seed: int) -> np.ndarray:
    return (objective(in_epoch(rows, epoch), seed).targets != IGNORE).numpy()  # [B, L]


def _difference(asked: list[np.ndarray], one: int, other: int) -> float:
    both = sum(int((every[one] & every[other]).sum()) for every in asked)
    return 1 - both / sum(int((every[one] | every[other]).sum()) for every in asked)


def fates(rows: Rows, objective: Objective, seed: int) -> torch.Tensor:
    """[B, L] int64: the number in FATES of what happened to a position, -1 where nothing was asked."""
    problem = objective(rows, seed)
    hidden, same = problem.inputs == rows.vocabulary.mask, problem.inputs == rows.tokens
    fate = torch.where(hidden, 0, torch.where(same, 2, 1))
    return torch.where(problem.targets != IGNORE, fate, -1)


def _fates(batches: Sequence[Rows], objective: Objective, seed: int) -> dict[str, float]:
    found = torch.cat([fates(in_epoch(rows, 0), objective, seed).flatten() for rows in batches])
    shares = torch.bincount(found[found >= 0], minlength=len(FATES)).double() / (found >= 0).sum()
    return dict(zip(FATES, shares.tolist(), strict=True))


def _runs(asked: list[np.ndarray]) -> list[float]:
    lengths = np.concatenate([_lengths(row) for every in asked for row in _rows(every)])
    return (np.bincount(np.minimum(lengths, LONGEST), minlength=LONGEST + 1)[1:] / len(lengths)).tolist()


def _rows(asked: np.ndarray) -> Iterator[np.ndarray]:
    yield from asked.reshape(-1, asked.shape[-1])


def _lengths(row: np.ndarray) -> np.ndarray:
    """The lengths of the runs of True in a row."""
    edges = np.flatnonzero(np.diff(row.astype(np.int8), prepend=0, append=0))
    return edges[1::2] - edges[::2]
