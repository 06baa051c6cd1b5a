"""The cost of reaching a given loss: tokens, seconds, floating-point operations.

Curves are interpolated linearly between validations. Shapes: S seeds, V validations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .results import Run

CLOCKS = ("tokens", "seconds", "flops")


@dataclass(frozen=True)
class Reached:
    """What an arm spent to reach a loss; None if it never did."""

    metric: str
    arm: str
    target: float
    spent: dict[str, float | None]
    """Tokens, seconds and flops at which the mean curve over the seeds reached it."""
    seeds: dict[int, float | None]
    """Tokens at which each seed reached it."""
    bound: bool
    """Whether the first validation was already below the target, so that less may have been enough."""


def mean_curve(runs: Mapping[int, Run], metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The tokens at which any seed was validated, [V], and the metric of every seed there, [S, V]."""
    grid = np.unique(np.concatenate([run.curve["tokens"] for run in runs.values()]))
    return grid, np.stack([np.interp(grid, run.curve["tokens"], run.curve[metric]) for run in runs.values()])


def crossing(at: np.ndarray, value: np.ndarray, target: float) -> float | None:
    """Where the falling `value` [V] over `at` [V] first reaches `target`; None if it never does."""
    under = np.flatnonzero(value <= target)
    if not len(under):
        return None
    index = under[0]
    if index == 0:
        return float(at[0])
    share = (value[index - 1] - target) / (value[index - 1] - value[index])
    return float(at[index - 1] + share * (at[index] - at[index - 1]))


def worst(arms: Mapping[str, Mapping[int, Run]], metric: str) -> float:
    """The highest final mean loss of any arm, which all arms reach."""
    return max(float(mean_curve(runs, metric)[1].mean(0)[-1]) for runs in arms.values())


def reached(metric: str, arm: str, runs: Mapping[int, Run], target: float) -> Reached:
    """What the arm spent to bring the loss `metric` down to `target`."""
    grid, values = mean_curve(runs, metric)
    tokens = crossing(grid, values.mean(0), target)
    seeds = {seed: crossing(run.curve["tokens"], run.curve[metric], target) for seed, run in runs.items()}
    bound = tokens is not None and bool(values.mean(0)[0] < target)
    return Reached(metric, arm, target, _spent(runs, tokens), seeds, bound)


def _spent(runs: Mapping[int, Run], tokens: float | None) -> dict[str, float | None]:
    if tokens is None:
        return dict.fromkeys(CLOCKS)
    seconds = [np.interp(tokens, run.curve["tokens"], run.curve["seconds"]) for run in runs.values()]
    flops = [tokens * run.cost["flops_per_token"] for run in runs.values()]
    return {"tokens": tokens, "seconds": float(np.mean(seconds)), "flops": float(np.mean(flops))}


def times(each: Reached, first: Reached) -> str:
    """The tokens of an arm over those of the first, as a bound where either is one; empty where there is none."""
    ours, theirs = each.spent["tokens"], first.spent["tokens"]
    if ours is None or not theirs or (each.bound and first.bound and each is not first):
        return ""
    sign = "" if each is first else "≤ " * each.bound + "≥ " * first.bound
    return f"{sign}{ours / theirs:.2f} ×"
