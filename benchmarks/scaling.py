"""Tokens per second of a training step over sizes, row lengths, vocabularies, threads and ranks, beside product rates.

    python benchmarks/scaling.py --json
    python benchmarks/scaling.py --busy --only "6 x 256"

The step is that of `train_step.py`, uncompiled, in the precision that the machine is fast in. Its peer is a step that
would consist of its matrix products alone, at the rate of a product of 1,024 x 1,024 matrices in the same turns: so the
ratio is MFU. Where it is below 60 %, `takes` says which operations take the time, as shares of a profiled step. Two
ranks are processes of a thread each, with half of the rows (DDP); their ratio is to one thread's step. `--busy` counts
processor time, for a machine that others use: one thread only.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import replace

import torch
from rich.console import Console
from rich.table import Table
from steps.measure import Comparison, take_turns
from steps.ours import built, flop, ours
from steps.task import Task, step
from torch.profiler import ProfilerActivity, profile

from maskwright.distributed import ranks
from maskwright.hardware import cpu_name
from maskwright.prediction import problem_loss
from maskwright.training.machine.peak_flops import matrix_product
from maskwright.training.step import resolve_matmul_dtype

CPU = torch.device("cpu")
BASE = Task(CPU, rows=16, length=128, vocabulary=8192)
"""Six layers of 256."""


def sized(layers: int, hidden: int, tokens: int) -> Task:
    widths = {"hidden": hidden, "heads": hidden // 64, "gated": round(2.75 * hidden)}
    return replace(BASE, layers=layers, rows=tokens // BASE.length, **widths)


TASKS = (
    {f"{layers} x {width}": sized(layers, width, tokens) for layers, width, tokens in [
        (3, 128, 2048), (6, 256, 2048), (12, 512, 1024), (12, 768, 512)]}
    | {f"rows of {length:,}": replace(BASE, length=length, rows=2048 // length) for length in (64, 512, 2048)}
    | {f"V = {size:,}": replace(BASE, vocabulary=size) for size in (2048, 16_384, 50_304)}
)  # fmt: skip
LOW = 0.6
"""The ratio below which a profile says what takes the time."""


def main() -> None:
    options = parsed()
    if options.rank_of:
        print(json.dumps(rank_seconds(TASKS[options.rank_of], options.repeats)))
        return
    tasks = {name: task for name, task in TASKS.items() if name in (options.only or TASKS)}
    cases: dict[str, dict] = {}
    for threads in (1,) if options.busy else (1, 2):
        torch.set_num_threads(threads)
        for name, task in tasks.items():
            cases[f"{name}, {threads} thread{'s' * (threads > 1)}"] = case(task, options)
    if not options.busy:
        torch.set_num_threads(1)
        cases |= {f"{name}, 2 ranks": two_ranks(name, task, options) for name, task in tasks.items() if " x " in name}
    dtype = str(products()).removeprefix("torch.")
    found = {"cases": cases, "machine": cpu_name(), "precision": dtype, "clock": "busy" if options.busy else "wall"}
    print(json.dumps(found)) if options.json else show(found)


def products() -> torch.dtype:
    return resolve_matmul_dtype("auto", CPU)


def case(task: Task, options: argparse.Namespace) -> dict[str, object]:
    """Our step beside its products."""
    run, (product, operations) = ours(task, "modern", compiled=False), matrix_product(CPU, products())
    clock = time.process_time if options.busy else time.perf_counter
    seconds = take_turns({"ours": run, "product": product}, options.repeats, 1, lambda: None, clock)
    ideal = [one * flop(task, "modern") / operations for one in seconds["product"]]
    found = Comparison(seconds["ours"], ideal, task.tokens).as_json("tokens/s")
    if statistics.median(ideal) < LOW * statistics.median(seconds["ours"]):
        found["takes"] = shares(run)
    return found


def shares(run) -> dict[str, float]:
    """The operations that take most of a step, and their shares of it."""
    with profile(activities=[ProfilerActivity.CPU]) as watched:
        run()
    spent = {event.key: event.self_cpu_time_total for event in watched.key_averages()}
    whole = sum(spent.values())
    return {name: round(spent[name] / whole, 3) for name in sorted(spent, key=spent.__getitem__)[:-7:-1]}


def two_ranks(name: str, task: Task, options: argparse.Namespace) -> dict[str, object]:
    """Two processes that share the rows, beside one that has them all."""
    alone = take_turns({"ours": ours(task, "modern", compiled=False)}, options.repeats, 1, lambda: None)["ours"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    world = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--rank-of", name, "--repeats", str(options.repeats)]
    both = [
        subprocess.Popen(command, env=os.environ | world | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    seconds, _ = (json.loads(one.communicate()[0]) for one in both)
    return Comparison(seconds, alone, task.tokens).as_json("tokens/s")


def rank_seconds(task: Task, repeats: int) -> list[float]:
    """Seconds of the steps of this rank, with its half of the rows."""
    world, half = ranks.join(CPU, 5.0), replace(task, rows=task.rows // 2)
    model = built(half, "modern")
    parallel = ranks.parallelize("ddp", world, model, problem_loss)
    inputs, asked, targets = half.batch()
    run = step(model, lambda: parallel.loss_fn(model, inputs, None, None, asked, targets)[0].mean(), CPU)
    return take_turns({"ours": run}, repeats, 1, world.wait)["ours"]


def show(found: dict) -> None:
    title = f"{found['machine']}, {found['precision']}, {found['clock']} time"
    table = Table("case", "tokens/s", "its products alone", "ratio", "quartiles", "takes", title=title)
    for name, row in found["cases"].items():
        told = ", ".join(f"{key} {share:.0%}" for key, share in row.get("takes", {}).items())
        table.add_row(name, f"{row['ours']:,.0f}", f"{row['peer']:,.0f}", str(row["ratio"]), str(row["spread"]), told)
    Console().print(table)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--only", action="append", choices=list(TASKS), help="a case; may be given several times")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, of one step each")
    parser.add_argument("--busy", action="store_true", help="count processor time, on one thread")
    parser.add_argument("--rank-of", choices=list(TASKS), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
