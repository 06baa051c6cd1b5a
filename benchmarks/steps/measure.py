"""Times that can be compared: everything takes turns, so that a busy moment of the machine falls on all alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Run = Callable[[], object]


Clock = Callable[[], float]


def take_turns(
    runs: Mapping[str, Run], repeats: int, warmup: int, finish: Run, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each run, `repeats` times in turn, after `warmup` runs of each; `finish` waits for the device."""
    for run in runs.values():
        for _ in range(warmup):
            run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            seconds[name].append(_timed(run, finish, clock))
    return seconds


def _timed(run: Run, finish: Run, clock: Clock) -> float:
    finish()
    start = clock()
    run()
    finish()
    return clock() - start


@dataclass(frozen=True)
class Comparison:
    """Two speeds out of times that were taken in turn."""

    ours: list[float]
    """Seconds of each repeat."""
    peer: list[float]
    """Seconds of each repeat, of the same rounds."""
    amount: float
    """What is done in one run, in the unit whose speed is wanted."""

    def as_json(self, unit: str) -> dict[str, object]:
        """Median speeds, their ratio, and the quartiles of the ratios of single rounds."""
        ours, peer = (self.amount / statistics.median(seconds) for seconds in (self.ours, self.peer))
        rounds = [theirs / mine for mine, theirs in zip(self.ours, self.peer, strict=True)]
        low, _, high = statistics.quantiles(rounds, n=4) if len(rounds) > 1 else rounds * 3
        return {
            "ours": round(ours, 1),
            "peer": round(peer, 1),
            "unit": unit,
            "ratio": round(ours / peer, 3),
            "spread": [round(low, 3), round(high, 3)],
        }
