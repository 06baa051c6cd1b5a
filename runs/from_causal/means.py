"""Means over seeds of what study.py measured, and what each arm is above `at_once`: python means.py → means.json,
from_causal.svg.

The differences are those of `maskwright compare`: Dunnett's intervals over the seeds, at 95 % for all arms at once.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from study import READ

from maskwright.compare.intervals import intervals

HERE = Path(__file__).parent
ARMS = ("at_once", "grown", "short", "scratch")
BEFORE = dict.fromkeys(("at_once", "grown"), READ)
"""Steps of the causal model from which an arm begins."""


def main() -> None:
    runs = json.loads((HERE / "runs.json").read_text())
    seeds = sorted({run["seed"] for run in runs if run["arm"] == "scratch"})
    rates = {arm: next(run["rate"] for run in runs if (run["arm"], run["seed"]) == (arm, seeds[-1])) for arm in ARMS}
    values = np.array([[bits(runs, arm, rates[arm], seed) for seed in seeds] for arm in ARMS])
    found = {
        arm: {"rate": rates[arm], "bits_per_byte": float(mine.mean()), "sd": float(mine.std(ddof=1))}
        for arm, mine in zip(ARMS, values, strict=True)
    }
    for arm, apart, held in zip(ARMS[1:], (values[1:] - values[0]).mean(1), intervals(values), strict=True):
        found[arm]["above at_once"] = float(apart)
        found[arm]["interval"] = held and [held.low, held.high]
    (HERE / "means.json").write_text(json.dumps({"seeds": len(seeds), "arms": found}, indent=1) + "\n")
    draw(runs, rates)


def draw(runs: list[dict], rates: dict[str, float]) -> None:
    """The bound on the way, seed 0, over all steps, those of the causal model included."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for arm in ARMS:
        mine = chosen(runs, arm, rates[arm], 0)
        axes.plot([BEFORE.get(arm, 0) + step for step in mine["steps"]], mine["loss"], ".-", label=arm)
    axes.set(
        xlabel="steps, those of the causal model included", ylabel="held-out bound (nats per token)", ylim=(4.4, 6)
    )
    axes.legend()
    figure.savefig(HERE / "from_causal.svg")


def bits(runs: list[dict], arm: str, rate: float, seed: int) -> float:
    return chosen(runs, arm, rate, seed)["bits_per_byte"]


def chosen(runs: list[dict], arm: str, rate: float, seed: int) -> dict:
    asked = {"arm": arm, "rate": rate, "seed": seed}
    return next(run for run in runs if asked.items() <= run.items())


if __name__ == "__main__":
    main()
