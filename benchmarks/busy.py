"""Tokens per second of `maskwright train` on cores that others use too.

    python benchmarks/busy.py --json
    python benchmarks/busy.py --steps 300 --repeats 5

First with one core taken by a process that counts, against the same on a quiet machine, all cores ours; then the sum of
two runs of one thread each, side by side, against twice one alone. All are quickstart, not compiled; a run is as fast
as the median of its log after the first line.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from steps.measure import Comparison

from maskwright.hardware import cpu_name
from maskwright.run.metrics_log import read_lines

BUSY = "while True: sum(range(100_000))"
EVERY = 20
"""Updates in a line of the log."""


def main() -> None:
    options = parsed()
    taken, quiet, both, alone = [], [], [], []
    for _ in range(options.repeats):
        quiet += speeds(options.steps, 1)
        with busy_core():
            taken += speeds(options.steps, 1)
        alone += [2 * speed for speed in speeds(options.steps, 1, "1")]
        both.append(sum(speeds(options.steps, 2, "1")))
    cases = {"one core taken": compared(taken, quiet), "two runs side by side": compared(both, alone)}
    if options.json:
        print(json.dumps(cases | {"machine": cpu_name()}))
        return
    table = Table("case", "beside others", "alone", "ratio", "quartiles", title=cpu_name())
    for case, row in cases.items():
        table.add_row(case, f"{row['ours']:,}", f"{row['peer']:,}", str(row["ratio"]), str(row["spread"]))
    Console().print(table)


@contextmanager
def busy_core() -> Iterator[None]:
    """Another process that counts as fast as it can."""
    other = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def speeds(steps: int, count: int, threads: str | None = None) -> list[float]:
    """Tokens per second of each of `count` runs that are started together."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) / "run" for _ in range(count)]
        changes = ["training.compile=false", f"training.steps={steps}", f"training.log_every={EVERY}"]
        changes += ["evaluation.every=1000000", "training.checkpoint_every=1000000"]
        command = [sys.executable, "-m", "maskwright", "train", "quickstart", *changes, "--quiet", "--out"]
        runs = [
            subprocess.Popen(
                [*command, str(folder)],
                env=environment | ({"OMP_NUM_THREADS": threads} if threads else {}),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for folder in folders
        ]
        codes = [run.wait() for run in runs]
        assert not any(codes), "a run failed"
        return [speed(folder) for folder in folders]


def speed(folder: Path) -> float:
    lines = [line["tokens_per_second"] for line in read_lines(folder / "metrics.jsonl") if "tokens_per_second" in line]
    return statistics.median(lines[1:])


def compared(ours: list[float], peer: list[float]) -> dict[str, object]:
    return Comparison([1 / speed for speed in ours], [1 / speed for speed in peer], 1.0).as_json("tokens/s")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--repeats", type=int, default=3, help="of each, in turn")
    parser.add_argument("--steps", type=int, default=200, help="updates in a run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
