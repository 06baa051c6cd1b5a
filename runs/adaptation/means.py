"""Means over seeds of what study.py measured, and what each arm is above `general` on mr: python means.py → means.json.

The differences are those of `maskwright compare`: Dunnett's intervals over the seeds, at 95 % for all arms at once.
"""

import json
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from maskwright.compare.intervals import intervals

HERE = Path(__file__).parent
ARMS = ("general", "untrained", "scratch", "mlm", "span", "adaptive", "words")
PRIMARY = "classification"


def main() -> None:
    runs = {(run["arm"], run["seed"]): run for run in json.loads((HERE / "runs.json").read_text())}
    seeds = sorted(seed for seed in {seed for _, seed in runs} if all((arm, seed) in runs for arm in ARMS))
    columns = {arm: [flat(runs, arm, seed) for seed in seeds] for arm in ARMS}
    found = {arm: {name: told([one[name] for one in all_]) for name in all_[0]} for arm, all_ in columns.items()}
    values = np.array([[one[PRIMARY] for one in columns[arm]] for arm in ARMS])
    for arm, apart, held in zip(ARMS[1:], (values[1:] - values[0]).mean(1), intervals(values), strict=True):
        found[arm] |= {"above general": float(apart), "interval": held and [held.low, held.high]}
    (HERE / "means.json").write_text(json.dumps({"seeds": len(seeds), "arms": found}, indent=1) + "\n")


def flat(runs: dict[tuple[str, int], dict], arm: str, seed: int) -> dict[str, float]:
    """The numbers of a run; those of text for an arm that was not adapted are from an arm that began with it."""
    run = runs[arm, seed]
    began, when = {"general": ("mlm", "before"), "untrained": ("scratch", "before")}.get(arm, (arm, "after"))
    bits = {f"{text}, bits per byte": both[when] for text, both in runs[began, seed]["bits per byte"].items()}
    return {name: run[name] for name in (PRIMARY, "tagging")} | bits


def told(values: list[float]) -> dict[str, float]:
    return {"mean": mean(values)} | ({"sd": stdev(values)} if len(values) > 1 else {})


if __name__ == "__main__":
    main()
