"""What dropout costs a training step: none, ours, and PyTorch's in the same places.

    OMP_NUM_THREADS=1 python benchmarks/dropout.py --json
    python benchmarks/dropout.py --models modern --repeats 20

A step is that of `train_step.py` at quickstart's sizes, once as it is and once through torch.compile; all take turns in
one process. Figures are processor seconds, which other work on the machine hardly touches.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from unittest.mock import patch

import torch
import torch.nn.functional as F
from steps.measure import take_turns
from steps.ours import ours
from steps.task import Task

from maskwright.layers import attend, disentangled, dropout

TASK = Task(torch.device("cpu"), rows=32, length=64, vocabulary=2048, hidden=128, layers=3, heads=2, gated=352)
PROBABILITY = 0.1
HOLDERS = (attend, disentangled, dropout)
"""The modules that have `drop` by name."""


def pytorchs(run: Callable[[], None]) -> Callable[[], None]:
    """`run` with PyTorch's dropout in place of ours; also while it is traced, in its first call."""

    def patched() -> None:
        with ExitStack() as stack:
            for module in HOLDERS:
                stack.enter_context(patch.object(module, "drop", F.dropout))
            run()

    return patched


def sides(model: str, compiled: bool) -> dict[str, Callable[[], None]]:
    dropping = replace(TASK, dropout=PROBABILITY)
    return {
        "none": ours(TASK, model, compiled),
        "ours": ours(dropping, model, compiled),
        "pytorch": pytorchs(ours(dropping, model, compiled)),
    }


def case(model: str, compiled: bool, repeats: int) -> dict[str, float]:
    """Milliseconds of a step, and both dropouts as multiples of none."""
    torch._dynamo.reset()
    found = take_turns(sides(model, compiled), repeats, 3, lambda: None, time.process_time)
    times = {side: statistics.median(seconds) * 1e3 for side, seconds in found.items()}
    ratios = {f"{side} / none": times[side] / times["none"] for side in ("ours", "pytorch")}
    return {"unit": "ms"} | {name: round(value, 3) for name, value in (times | ratios).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["modern", "ltg_bert", "deberta"])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    ways = {"": False, ", compiled": True}
    cases = {f"{m}{way}": case(m, ways[way], options.repeats) for m in options.models for way in ways}
    if options.json:
        print(json.dumps(cases))
        return
    for name, found in cases.items():
        print(f"{name}: {found['none']} ms without, {found['ours']} with ours, {found['pytorch']} with PyTorch's")


if __name__ == "__main__":
    main()
