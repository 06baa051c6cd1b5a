"""Tokens per second of one whole training step, ours against the same size in `transformers`.

    python benchmarks/train_step.py --json
    python benchmarks/train_step.py --only modern/bert --repeats 9 --eager
    python benchmarks/train_step.py --device cuda --base

A step is forward, loss, backward, clipping at 1 and fused AdamW over float32 weights, in bfloat16 autocast where the
machine multiplies that fast; 15 % of the tokens are asked, or in a causal case the next one everywhere; questions and
dropout are the same for all. Peers run as their Trainer runs them (eager, labels at every position, but where they are
`sparse`) and, as `both compiled`, through torch.compile. All take turns in one process. MFU is what our step reaches of
the peak of such products: of a GPU the published one, of a processor its own rate, measured in the same turns.
"""

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass, replace

import torch
from rich.console import Console
from rich.table import Table
from steps.measure import Comparison, Run, take_turns
from steps.ours import flop, ours
from steps.peers import peer
from steps.task import Task

from maskwright.training.machine.peak_flops import matrix_product, peak_flops
from maskwright.training.step import resolve_matmul_dtype


@dataclass(frozen=True)
class Pair:
    """Who takes part in a case."""

    ours: str
    peer: str
    causal: bool = False

    def sides(self, ways: dict[str, tuple[bool, bool]]) -> dict[str, tuple[str, str]]:
        """The labels of our side and the peer's for each way."""
        return {
            way: (label(self.ours, self.causal, our), label(self.peer, self.causal, their))
            for way, (our, their) in ways.items()
        }


PAIRS = {
    "modern/bert": Pair("modern", "bert"),
    "modern/modernbert": Pair("modern", "modernbert"),
    "modern/modernbert, sparse": Pair("modern", "modernbert-sparse"),
    "ltg-bert/deberta-v2": Pair("ltg-bert", "deberta-v2"),
    "deberta/deberta-v2": Pair("deberta", "deberta-v2"),
    "causal modern/gpt-2": Pair("modern", "gpt-2", causal=True),
}
WAYS = {"": (True, False), ", both compiled": (True, True), ", both eager": (False, False)}
"""How a case is named, and whether our side and the peer are compiled."""
RATE = "matrix product"
BASE = {
    "rows": 64, "length": 512, "vocabulary": 50_304, "hidden": 768, "layers": 12, "heads": 12, "feed_forward": 3072,
    "gated": 2048,
}  # fmt: skip
"""Sizes that keep a GPU busy."""


def main() -> None:
    options = parsed()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("skipped: --device cuda, and torch sees no CUDA device here")
    if options.busy:
        torch.set_num_threads(1)
    task = Task(torch.device(options.device), dropout=options.dropout, **(BASE if options.base else {}))
    pairs = {case: pair for case, pair in PAIRS.items() if case in (options.only or PAIRS)}
    ways = {", both eager": (False, False)} if options.eager else WAYS
    runs = contestants(task, pairs, ways) | {RATE: matrix_product(task.device, products(task.device))[0]}
    finish = torch.cuda.synchronize if task.device.type == "cuda" else lambda: None
    clock = time.process_time if options.busy else time.perf_counter
    seconds = take_turns(runs, options.repeats, warmup=3, finish=finish, clock=clock)
    cases = {
        case + way: Comparison(seconds[us], seconds[them], task.tokens).as_json("tokens/s")
        for case, pair in pairs.items()
        for way, (us, them) in pair.sides(ways).items()
    }
    if options.json:
        print(json.dumps(cases))
    else:
        show(cases, task, pairs, seconds)


def products(device: torch.device) -> torch.dtype:
    """Of the steps: what the machine is fast in."""
    return resolve_matmul_dtype("auto", device)


def contestants(task: Task, pairs: dict[str, Pair], ways: dict[str, tuple[bool, bool]]) -> dict[str, Run]:
    """Every side of every case once."""
    runs: dict[str, Run] = {}
    for pair in pairs.values():
        posed = replace(task, causal=pair.causal)
        for way, (us, them) in pair.sides(ways).items():
            our, their = ways[way]
            runs.setdefault(us, ours(posed, pair.ours, our))
            runs.setdefault(them, peer(posed, pair.peer, their))
    return runs


def label(name: str, causal: bool, compiled: bool) -> str:
    return f"{'causal ' * causal}{name}, {'compiled' if compiled else 'eager'}"


def show(cases: dict, task: Task, pairs: dict[str, Pair], seconds: dict[str, list[float]]) -> None:
    """A table of the cases, and below it what our steps reach of the machine."""
    table = Table("case", "ours", "peer", "ratio", "quartiles", title=f"tokens/s, {task.rows} rows of {task.length}")
    for case, row in cases.items():
        table.add_row(case, f"{row['ours']:,.0f}", f"{row['peer']:,.0f}", f"{row['ratio']:.2f}", str(row["spread"]))
    console = Console()
    console.print(table)
    rate = matrix_product(task.device, products(task.device))[1] / statistics.median(seconds[RATE])
    top = peak_flops(task.device, products(task.device)) if task.device.type == "cuda" else rate
    console.print(f"products: {rate / 1e9:,.0f} GFLOP/s, peak {top / 1e9:,.0f}; dropout {task.dropout}")
    for us, causal in dict.fromkeys((pair.ours, pair.causal) for pair in pairs.values()):
        for compiled in (True, False):
            if times := seconds.get(side := label(us, causal, compiled)):
                reached = flop(replace(task, causal=causal), us) / statistics.median(times)
                console.print(f"{side}: {reached / 1e9:,.0f} GFLOP/s, MFU {reached / top:.0%}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--only", action="append", choices=list(PAIRS), help="a case; may be given several times")
    parser.add_argument("--repeats", type=int, default=9, help="rounds, of one step each")
    parser.add_argument("--dropout", type=float, default=0.0, help="of both sides")
    parser.add_argument("--base", action="store_true", help="12 layers of 768, 64 rows of 512: for a GPU")
    parser.add_argument("--eager", action="store_true", help="compile nothing (saves minutes)")
    parser.add_argument(
        "--busy", action="store_true", help="one thread and its own time, where others use the processor"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
