"""Intervals over seeds of every study, from the values in its results.json, as `maskwright compare` gives them now.

    python runs/intervals.py        # writes runs/intervals.json

The studies were run before a primary metric could be named, so all metrics of one are a family that holds together.
Of domains of the text and fields of a suite, which are compared with nothing, there are means and deviations alone.
"""

import json
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from maskwright.compare.intervals import intervals
from maskwright.compare.results import comparable

HERE = Path(__file__).parent
DOMAIN, FIELD = "masked/domain/*/loss", "*/field/*/accuracy"


def study(found: dict) -> dict[str, dict[str, dict]]:
    """By metric and arm: mean, standard deviation over seeds, and the interval of the difference from the first arm."""
    every: dict[str, dict[str, list[float]]] = {}
    for row in found["records"]:
        every.setdefault(row["metric"], {}).setdefault(row["arm"], []).append(row["value"])
    values = {
        metric: arms
        for metric, arms in every.items()
        if comparable(metric, True, None) and not metric.endswith("bits_per_byte") and metric in found["compared"]
        if len(arms) > 1
    }
    family = {metric: _metric(arms, 1 - 0.05 / len(values)) for metric, arms in sorted(values.items())}
    return family | {metric: _parts(arms) for metric, arms in sorted(_of_parts(every).items())}


def _of_parts(every: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
    """The values by domain and by field, and those of all domains in the mean."""
    domains = {metric: arms for metric, arms in every.items() if fnmatch(metric, DOMAIN)}
    found = domains | {metric: arms for metric, arms in every.items() if fnmatch(metric, FIELD)}
    if len(domains) > 1:
        arms = next(iter(domains.values()))
        mean = {arm: np.mean([values[arm] for values in domains.values()], axis=0).tolist() for arm in arms}
        found[DOMAIN.replace("*", "in the mean")] = mean
    return found


def _parts(arms: dict[str, list[float]]) -> dict[str, dict]:
    return {arm: {"mean": float(np.mean(one)), "deviation": float(np.std(one, ddof=1))} for arm, one in arms.items()}


def _metric(arms: dict[str, list[float]], level: float) -> dict[str, dict]:
    values = np.array(list(arms.values()))  # [arms, seeds], the baseline first
    held = [None, *intervals(values, level)]
    found = {}
    for arm, column, one in zip(arms, values, held, strict=True):
        found[arm] = {"mean": float(column.mean()), "deviation": float(column.std(ddof=1))}
        if one:
            found[arm] |= {"difference": float(column.mean() - values[0].mean()), "low": one.low, "high": one.high}
            found[arm] |= {"level": one.level, "method": one.method, "finding": one.excludes_zero}
    return found


if __name__ == "__main__":
    found = {path.parent.name: json.loads(path.read_text()) for path in sorted(HERE.glob("*/results.json"))}
    kept = {name: study(one) for name, one in found.items() if "records" in one}
    (HERE / "intervals.json").write_text(json.dumps(kept, indent=1) + "\n")
