"""The effect of backward reading on forward prediction, as two ratios over finished runs.

Ratio 1 is the forward metric without backward reading, divided by the same metric with it: for a loss, above 1 means
that reading backward as well made the model better at forward prediction. Ratio 2 is the forward metric of a model
divided by its own backward metric: for a loss, below 1 means that it is better forward. Each is computed in two ways:
ratio of the means over seeds, or mean of the ratios per seed. Ratio 1 only divides runs of the same seed.

Shapes: S seeds, T points (validations).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...files.errors import short_repr
from .finished_runs import Run, by_seed, runs

METRICS = "loss", "perplexity", "accuracy", "top5"
Row = dict[str, Any]
"""One line of a tidy table: `ratio` (1 or 2), the setting (`depth`, `width`, `parameters`, `p_bw`, `objective`), how
many `seeds`, `layers` that are left, `metric`, `at` (`validation`, `end` or a range of epochs as 5:10), `step` and
`epoch` (none of a range), `mean_then_ratio`, `ratio_then_mean`, and the `deviation` of the ratio over seeds (n − 1;
none of one seed)."""
Points = Mapping[int, Mapping[str, float]]


def quotients(above: np.ndarray, below: np.ndarray) -> Row:
    """Both ratios and the deviation, as means over the points. above, below: [S, T] float64."""
    each = above / below  # [S, T]
    return {
        "mean_then_ratio": float((above.mean(0) / below.mean(0)).mean()),
        "ratio_then_mean": float(each.mean()),
        "deviation": float(each.mean(1).std(ddof=1)) if len(each) > 1 else None,
    }


def ratios(folder: Path, metric: str = "loss", epochs: Sequence[tuple[float, float]] = ()) -> list[Row]:
    """Both ratios of all runs in `folder`: at each validation, over ranges of `epochs`, at the end and by layers left.

    Raises ValueError for a metric that is none of METRICS, for a folder without such runs and for one run found twice.
    """
    if metric not in METRICS:
        raise ValueError(f"metric={short_repr(metric)}: give one of {', '.join(METRICS)}")
    settings = _grouped(runs(folder), lambda run: run.setting)
    arms = {name: _grouped(group, lambda run: run.objective) for name, group in settings.items()}
    return [row for setting in arms.values() for row in _setting(list(setting.values()), metric, epochs)]


def ranges(written: Sequence[str]) -> list[tuple[float, float]]:
    """`5:10` is the epochs from 5 to 10. Raises ValueError for anything else."""
    return [_range(one) for one in written]


def _range(written: str) -> tuple[float, float]:
    begin, _, end = written.partition(":")
    try:
        found = float(begin), float(end)
    except ValueError:
        found = 1.0, 0.0
    if not 0 <= found[0] <= found[1]:
        raise ValueError(f"epochs={short_repr(written)}: give a range, as in 5:10")
    return found


def _grouped(found: Sequence[Run], key: Callable[[Run], Any]) -> dict[Any, list[Run]]:
    groups: dict[Any, list[Run]] = {}
    for run in found:
        groups.setdefault(key(run), []).append(run)
    return groups


def _setting(arms: Sequence[Sequence[Run]], metric: str, epochs: Sequence[tuple[float, float]]) -> Iterator[Row]:
    """The rows of one size: of every objective beside the one that does not read backward, and of itself."""
    forward, backward = f"forward/{metric}", f"backward/{metric}"
    seeded = [by_seed(arm) for arm in arms]
    plain = [arm for arm in seeded if _never(arm)]
    for arm in seeded:
        for other in plain:
            if not _never(arm) and (shared := [seed for seed in arm if seed in other]):
                mine, theirs = [arm[seed] for seed in shared], [other[seed] for seed in shared]
                yield from _rows({"ratio": 1, "metric": metric}, mine, theirs, (forward, forward), epochs)
        found = list(arm.values())
        yield from _rows({"ratio": 2, "metric": metric}, found, found, (forward, backward), epochs)


def _never(arm: Mapping[int, Run]) -> bool:
    """Whether these runs never read backward, but read forward."""
    run = next(iter(arm.values()))
    return run.p_bw == 0 and "forward/loss" in run.final


def _rows(
    head: Row, runs: Sequence[Run], above: Sequence[Run], names: tuple[str, str], epochs: Sequence[tuple[float, float]]
) -> Iterator[Row]:
    """The rows of one ratio: `above` at the first name over `runs` at the second; none where a number is missing."""
    first = runs[0]
    facts = {name: getattr(first, name) for name in ("depth", "width", "parameters", "p_bw", "objective")}
    head = head | facts | {"layers": first.depth, "seeds": len(runs)}
    steps, *sides = _shared([run.curve for run in above], [run.curve for run in runs], names)
    epoch = np.array([first.curve[step]["epoch"] for step in steps])  # [T]
    for index, step in enumerate(steps):
        here = {"at": "validation", "step": step, "epoch": float(epoch[index])}
        yield head | here | quotients(*(side[:, [index]] for side in sides))
    for begin, end in epochs:
        inside = (begin <= epoch) & (epoch <= end)
        if inside.any():
            span = {"at": f"{begin:g}:{end:g}", "step": None, "epoch": None}
            yield head | span | quotients(*(side[:, inside] for side in sides))
    last = {"at": "end", "step": first.final["step"], "epoch": first.epochs}
    left, *sides = _shared([run.layers for run in above], [run.layers for run in runs], names)
    for index, layers in enumerate(left):
        yield head | last | {"layers": layers} | quotients(*(side[:, [index]] for side in sides))


def _shared(above: Sequence[Points], below: Sequence[Points], names: tuple[str, str]) -> tuple[list[int], Any, Any]:
    """The points that all seeds have, in order, and the numbers there of either side, each [S, T]."""
    sides = list(zip((above, below), names, strict=True))
    having = [{at for at in points if name in points[at]} for side, name in sides for points in side]
    shared = sorted(set.intersection(*having))
    top, bottom = (np.array([[points[at][name] for at in shared] for points in side]) for side, name in sides)
    return shared, top, bottom
