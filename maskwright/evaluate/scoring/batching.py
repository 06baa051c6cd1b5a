"""Full batches: texts of equal length together, and problems with about the same number of positions per batch."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from ...attention import FORWARD
from ...objectives.base.objective import IGNORE
from ...objectives.base.problem import Problem

MAX_PADDING = 1 / 8
"""Share of a batch that may be padding."""


def batches(lengths: Sequence[int], tokens: int) -> Iterator[np.ndarray]:
    """Indices of texts of equal length, shortest first, in batches of at most `tokens` positions (or one text)."""
    sizes = np.asarray(lengths, np.int64)
    for length in np.unique(sizes):
        same = np.flatnonzero(sizes == length)
        step = max(1, tokens // int(length))
        yield from (same[begin : begin + step] for begin in range(0, len(same), step))


def regroup(problems: Iterable[Problem], tokens: int, gathered: int = 0) -> Iterator[Problem]:
    """The rows of `problems` with targets, at most `tokens` positions at a time (or one row).

    Rows of different lengths are batched if all read forward, because then no position sees the padding behind it.
    gathered: if not 0, yield so many positions (without padding) of forward rows at once, to find shared prefixes.
    """
    waiting: list[Problem] = []
    for problem in problems:
        length = problem.inputs.shape[1]
        with_targets = torch.nonzero((problem.targets != IGNORE).any(1))[:, 0]
        for part in with_targets.split(max(1, tokens // length)) if len(with_targets) else ():
            piece = problem[part]
            if waiting and not _fit([*waiting, piece], tokens, gathered):
                yield Problem.joined(waiting)
                waiting = []
            waiting.append(piece)
    if waiting:
        yield Problem.joined(waiting)


def _fit(problems: list[Problem], tokens: int, gathered: int) -> bool:
    """Whether they fit into one batch."""
    longest = _longest(problems)
    places, own = longest * sum(map(len, problems)), sum(problem.inputs.numel() for problem in problems)
    if gathered and all(_forward(problem) for problem in problems):
        return own <= gathered
    unseen = (problem.inputs.shape[1] == longest or _forward(problem) for problem in problems)
    return places <= tokens and places - own <= MAX_PADDING * places and all(unseen)


def _forward(problem: Problem) -> bool:
    return bool((problem.view == FORWARD).all())


def _longest(problems: list[Problem]) -> int:
    return max(problem.inputs.shape[1] for problem in problems)
