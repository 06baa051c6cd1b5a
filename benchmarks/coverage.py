"""How often the intervals of `maskwright compare` hold the truth, by simulation.

    python benchmarks/coverage.py --json > benchmarks/results/coverage.json

Arms of equal means and normal seeds: the share of comparisons in which all intervals of the family hold 0 (95 % is
promised), by number of seeds and by the arms' standard deviations, the reference's first. Beside it what was there
before, a percentile bootstrap of paired differences, and one variance pooled whatever the spread.
"""

import argparse
import json

import numpy as np

from maskwright.compare.intervals import dunnett, intervals
from maskwright.evaluate.statistics.bootstrap import percentiles, resampled

SEEDS = (2, 3, 5, 10)
SPREADS = ((1, 1), (1, 1, 1, 1), (1,) * 9, (1, 4), (4, 1, 1, 1), (1, 1, 1, 4), (1, 2, 3, 4))


def ours(arms: np.ndarray) -> bool:
    """Whether all intervals of the `arms` [K, S], the reference's first, hold 0."""
    return not any(found.excludes_zero for found in intervals(arms) if found)


def pooled(arms: np.ndarray) -> bool:
    """The same by Dunnett's intervals without a test of variances."""
    freedom = (len(arms) - 1) * (arms.shape[1] - 1)
    rest = arms - arms.mean(0) - arms.mean(1, keepdims=True) + arms.mean()
    reach = dunnett(len(arms) - 1, freedom) * ((rest**2).sum() / freedom * 2 / arms.shape[1]) ** 0.5
    return bool((abs(arms[1:].mean(1) - arms[0].mean()) <= reach).all())


def bootstrap(arms: np.ndarray) -> bool:
    """Whether the first arm's percentile bootstrap over pairs of runs holds 0."""
    each = arms[1] - arms[0]
    low, high = percentiles(resampled(len(each), 1000, "coverage") @ each / len(each))
    return low <= 0 <= high


def measured(trials: int) -> dict[str, dict[str, float]]:
    """The coverage of each method by number of seeds and deviations."""
    found = {}
    for seeds in SEEDS:
        for spreads in SPREADS:
            draw = np.random.default_rng(seeds)
            arms = draw.normal(size=(trials, len(spreads), seeds)) * np.array(spreads)[:, None]
            arms += draw.normal(size=(trials, 1, seeds))  # what a seed does to all arms alike
            named = {"ours": ours, "pooled": pooled} | ({"bootstrap": bootstrap} if spreads == (1, 1) else {})
            name = f"{seeds} seeds, deviations {' '.join(map(str, spreads))}"
            found[name] = {method: float(np.mean([holds(one) for one in arms])) for method, holds in named.items()}
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--trials", type=int, default=10_000, help="Simulated comparisons of each case.")
    options.add_argument("--json", action="store_true", help="Print JSON.")
    asked = options.parse_args()
    found = measured(asked.trials)
    if asked.json:
        print(json.dumps({"trials": asked.trials, "coverage": found}, indent=1))
        return
    for name, shares in found.items():
        print(f"{name:34}", "  ".join(f"{method} {share:.1%}" for method, share in shares.items()))


if __name__ == "__main__":
    main()
