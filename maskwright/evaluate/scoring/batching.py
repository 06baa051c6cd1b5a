"""Full batches: texts of one length go together, and the questions about them about as many positions at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from ...attention import FORWARD
from ...objectives.base.objective import IGNORE
from ...objectives.base.problem import Problem

FILLED = 1 / 8
"""The share of a batch that may stand behind the ends of its texts."""


def batches(lengths: Sequence[int], tokens: int) -> Iterator[np.ndarray]:
    """Indices of texts that have one length, in batches of at most `tokens` positions, or of one text.

    The shortest come first.
    """
    sizes = np.asarray(lengths, np.int64)
    for length in np.unique(sizes):
        same = np.flatnonzero(sizes == length)
        step = max(1, tokens // int(length))
        yield from (same[begin : begin + step] for begin in range(0, len(same), step))


def regrouped(problems: Iterable[Problem], tokens: int, gathered: int = 0) -> Iterator[Problem]:
    """The rows of `problems` that ask something, at most `tokens` positions at a time, or one row.

    Rows of different lengths go together where all look forward: what fills the shorter ones is seen by none of them.
    gathered: positions of such rows, but for what fills them, that come at once if that is not 0, for what they share.
    """
    waiting: list[Problem] = []
    for problem in problems:
        length = problem.inputs.shape[1]
        asking = torch.nonzero((problem.targets != IGNORE).any(1))[:, 0]
        for part in asking.split(max(1, tokens // length)) if len(asking) else ():
            piece = problem[part]
            if waiting and not _fit([*waiting, piece], tokens, gathered):
                yield _joined(waiting)
                waiting = []
            waiting.append(piece)
    if waiting:
        yield _joined(waiting)


def _fit(problems: list[Problem], tokens: int, gathered: int) -> bool:
    """Whether they may go together."""
    longest = _longest(problems)
    places, own = longest * sum(map(len, problems)), sum(problem.inputs.numel() for problem in problems)
    if gathered and all(_forward(problem) for problem in problems):
        return own <= gathered
    blind = (problem.inputs.shape[1] == longest or _forward(problem) for problem in problems)
    return places <= tokens and places - own <= FILLED * places and all(blind)


def _forward(problem: Problem) -> bool:
    return bool((problem.view == FORWARD).all())


def _longest(problems: list[Problem]) -> int:
    return max(problem.inputs.shape[1] for problem in problems)


def _joined(problems: list[Problem]) -> Problem:
    length = _longest(problems)
    return Problem.joined([_filled(problem, length) for problem in problems])


def _filled(problem: Problem, length: int) -> Problem:
    """The problem in rows of `length`; the places behind its own hold the token 0, which asks nothing."""
    more = (0, length - problem.inputs.shape[1])
    return replace(
        problem,
        inputs=F.pad(problem.inputs, more),
        targets=F.pad(problem.targets, more, value=IGNORE),
        weights=F.pad(problem.weights, more),
        span_id=F.pad(problem.span_id, more),
        prefix_mask=F.pad(problem.prefix_mask, more),
    )
