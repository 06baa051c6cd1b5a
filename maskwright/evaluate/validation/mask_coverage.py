"""Mask coverage over epochs: how much of the text becomes a target, how much masks differ, and what replaces targets.

Each metric comes with its value for independent masking at the realised ratio p: after e different corruptions
1 − (1 − p)^e of the positions have been targets; two corruptions differ by 1 − p / (2 − p).

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
"""Runs of this length or longer are counted together."""
FATES = ("masked", "random", "kept")


@dataclass(frozen=True)
class Coverage:
    """The metrics of one objective over E epochs."""

    objective: str
    num_static_masks: int | None
    """Number of different corruptions of a row; none for a new one each epoch."""
    ratio: float
    """Share of the maskable positions that are targets, per epoch."""
    covered: list[float]
    """[E] share of the maskable positions that were a target at least once by each epoch."""
    covered_by_chance: list[float]
    diversity: float
    """Jaccard distance between the targets of two epochs, 1 − |both| / |either|, mean over all pairs."""
    diversity_by_chance: float
    fates: dict[str, float]
    """Share of the targets that are masked, replaced by a random token, or kept."""
    runs: list[float]
    """[LONGEST] share of the runs of adjacent targets that have length 1, 2, ..."""
    runs_by_chance: list[float]


def report(
    batches: Iterable[Rows], objectives: Sequence[Objective], epochs: int = 10, seed: int = 0
) -> list[dict[str, Any]]:
    """The metrics of each objective with one static mask, ten, and dynamic masks, as plain data.

    batches: rows of any epoch; a few thousand are enough. objectives: live ones.
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
    """The metrics of `objective` over `epochs` epochs of `batches`, with masks that repeat after `num_static_masks`."""
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


def by_class(batches: Iterable[Rows], objective: Objective, shares: np.ndarray, seed: int = 0) -> list[float]:
    """[K] the share of the tokens of each class that are targets; NaN for a class that does not occur.

    shares: [K, V], how much of each token belongs to each class.
    """
    found = np.zeros((2, shares.shape[1]))
    for rows in batches:
        chosen = torch.from_numpy(_asked(rows, objective, 0, seed))
        for total, places in zip(found, (chosen, rows.maskable), strict=True):
            total += torch.bincount(rows.tokens[places], minlength=len(total)).numpy()
    asked, every = found @ shares.T
    return np.divide(asked, every, out=np.full(len(every), np.nan), where=every > 0).tolist()


def in_epoch(rows: Rows, epoch: int) -> Rows:
    """The rows with another epoch number, which changes their draws."""
    return replace(rows, epoch=torch.full_like(rows.epoch, epoch))


def _asked(rows: Rows, objective: Objective, epoch: int, seed: int) -> np.ndarray:
    targets = objective(in_epoch(rows, epoch), seed).targets[
        :, : rows.tokens.shape[1]
    ]  # of a text laid out twice, once
    return (targets != IGNORE).numpy()  # [B, L]


def _difference(asked: list[np.ndarray], one: int, other: int) -> float:
    both = sum(int((every[one] & every[other]).sum()) for every in asked)
    return 1 - both / sum(int((every[one] | every[other]).sum()) for every in asked)


def fates(rows: Rows, objective: Objective, seed: int) -> torch.Tensor:
    """[B, L] int64: index into FATES of what happened at a target position, -1 elsewhere."""
    problem = objective(rows, seed)
    hidden, same = problem.inputs == rows.vocabulary.mask, problem.inputs == problem.laid_out(rows.tokens)
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
