"""Tokens a second of one whole training step, ours beside the same size in `transformers`.

    python benchmarks/train_step.py --json
    python benchmarks/train_step.py --only modern/bert --repeats 9 --eager

A step is forward, loss, backward, clipping at 1 and fused AdamW, in bfloat16 autocast over float32 weights; 15 % of the
tokens are asked, the same for everyone, and dropout is the same for everyone. Peers run as their Trainer runs them
(eager, labels at every position) and, as `both compiled`, through torch.compile. All take turns in one process. The
share is what our step reaches of the machine's own rate of bfloat16 products, measured in the same turns.
"""

import argparse
import json
import statistics
import sys
import time

import torch
from rich.console import Console
from rich.table import Table
from steps.measure import MATRIX_FLOP, Comparison, Run, matrix_product, take_turns
from steps.ours import flop, ours
from steps.peers import peer
from steps.task import Task

PAIRS = {"modern/bert": ("modern", "bert"), "modern/modernbert": ("modern", "modernbert")}
PAIRS |= {"ltg-bert/deberta-v2": ("ltg-bert", "deberta-v2"), "deberta/deberta-v2": ("deberta", "deberta-v2")}
WAYS = {"": (True, False), ", both compiled": (True, True), ", both eager": (False, False)}
"""How a case is named, and whether our side and the peer are compiled."""
RATE = "matrix product"


def main() -> None:
    options = parsed()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("skipped: --device cuda, and torch sees no CUDA device here")
    if options.busy:
        torch.set_num_threads(1)
    task = Task(torch.device(options.device), dropout=options.dropout)
    pairs = {case: pair for case, pair in PAIRS.items() if case in (options.only or PAIRS)}
    ways = {", both eager": (False, False)} if options.eager else WAYS
    runs = contestants(task, pairs, ways) | {RATE: matrix_product(task.device)}
    finish = torch.cuda.synchronize if task.device.type == "cuda" else lambda: None
    clock = time.process_time if options.busy else time.perf_counter
    seconds = take_turns(runs, options.repeats, warmup=3, finish=finish, clock=clock)
    cases = {
        case + way: Comparison(seconds[label(us, our)], seconds[label(them, their)], task.tokens).as_json("tokens/s")
        for case, (us, them) in pairs.items()
        for way, (our, their) in ways.items()
    }
    if options.json:
        print(json.dumps(cases))
    else:
        show(cases, task, pairs, seconds)


def contestants(task: Task, pairs: dict[str, tuple[str, str]], ways: dict[str, tuple[bool, bool]]) -> dict[str, Run]:
    """Every side of every case once."""
    runs: dict[str, Run] = {}
    for us, them in pairs.values():
        for our, their in ways.values():
            runs.setdefault(label(us, our), ours(task, us, our))
            runs.setdefault(label(them, their), peer(task, them, their))
    return runs


def label(name: str, compiled: bool) -> str:
    return f"{name}, {'compiled' if compiled else 'eager'}"


def show(cases: dict, task: Task, pairs: dict[str, tuple[str, str]], seconds: dict[str, list[float]]) -> None:
    """A table of the cases, and below it what our steps reach of the machine."""
    table = Table("case", "ours", "peer", "ratio", "quartiles", title=f"tokens/s, {task.rows} rows of {task.length}")
    for case, row in cases.items():
        table.add_row(case, f"{row['ours']:,.0f}", f"{row['peer']:,.0f}", f"{row['ratio']:.2f}", str(row["spread"]))
    console = Console()
    console.print(table)
    rate = MATRIX_FLOP / statistics.median(seconds[RATE])
    console.print(f"bfloat16 products: {rate / 1e9:,.0f} GFLOP/s; dropout {task.dropout} on both sides")
    for us in dict.fromkeys(us for us, _ in pairs.values()):
        for compiled in (True, False):
            if times := seconds.get(label(us, compiled)):
                reached = flop(task, us) / statistics.median(times)
                console.print(f"{label(us, compiled)}: {reached / 1e9:,.0f} GFLOP/s, {reached / rate:.0%} of that")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--only", action="append", choices=list(PAIRS), help="a case; may be given several times")
    parser.add_argument("--repeats", type=int, default=9, help="rounds, of one step each")
    parser.add_argument("--dropout", type=float, default=0.0, help="of both sides")
    parser.add_argument("--eager", action="store_true", help="compile nothing (saves minutes)")
    parser.add_argument(
        "--busy", action="store_true", help="one thread and its own time, where others use the processor"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
