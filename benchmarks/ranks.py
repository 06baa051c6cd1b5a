"""Tokens per second of a run on two ranks against the same run on one, a thread each, start-up left out.

    python benchmarks/ranks.py --json
    python benchmarks/ranks.py --parallel fsdp --batch 4096 --repeats 3

Both are `maskwright train`, in turn; a run is as fast as the median of its log after the first line, with the text of
all ranks. Below it, what reading and masking a batch take of an update in this process, in milliseconds: the ratio is
their share.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import yaml
from rich.console import Console
from rich.table import Table
from steps.measure import Comparison

from maskwright import Config, Trainer
from maskwright.run.metrics_log import read_lines

EVERY = 3
"""Updates in a line of the log."""


def main() -> None:
    options = parsed()
    torch.set_num_threads(1)
    cases = {"two ranks": speeds(options), "reading and masking": share(options)}
    print(json.dumps(cases)) if options.json else show(cases)


def run(options: argparse.Namespace) -> dict:
    """The sections of the run."""
    sizes = {"hidden": options.hidden, "layers": 6, "heads": 4, "intermediate": 704, "max_length": 128}
    lengths = {"steps": EVERY * options.lines, "log_every": EVERY, "checkpoint_every": 10**6}
    return {
        "corpus": {"name": "embedded"},
        "tokenizer": {"kind": "bpe", "size": 8192},
        "rows": {"length": 128},
        "model": {"name": "modern", **sizes},
        "objective": {"name": "mlm"},
        "training": lengths | {"batch_tokens": options.batch, "compile": False, "parallel": options.parallel},
        "evaluation": {"held_out": 0.01, "every": 10**6},
    }


def speeds(options: argparse.Namespace) -> dict[str, object]:
    """Two ranks against one, alternating."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(options.repeats):
        for ranks, column in seconds.items():
            column.append(1 / speed(options, ranks))
    return Comparison(seconds[2], seconds[1], 1.0).as_json("tokens/s")


def speed(options: argparse.Namespace, ranks: int) -> float:
    """Tokens per second of a run on so many ranks."""
    with tempfile.TemporaryDirectory() as folder:
        recipe, out = Path(folder) / "run.yaml", Path(folder) / "run"
        recipe.write_text(yaml.safe_dump(run(options)))
        command = [sys.executable, "-m", "maskwright", "train", str(recipe), "--out", str(out), "--quiet"]
        command += ["--nproc", str(ranks)] * (ranks > 1)
        subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True, stdout=subprocess.DEVNULL)
        lines = [line["tokens_per_second"] for line in read_lines(out / "metrics.jsonl") if "tokens_per_second" in line]
    return statistics.median(lines[1:])


def share(options: argparse.Namespace) -> dict[str, object]:
    """What reading and masking take of an update, in this process's own time."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(Config.of(run(options)), folder, show=False)
        posed, taken = [], []
        for step in range(EVERY * options.lines):
            start = time.process_time()
            rows = trainer.data.loader.batch(step, trainer.steps)
            trainer.objective(rows, trainer.config.seed)
            posed.append(1e3 * (time.process_time() - start))
            trainer.update(rows)
            taken.append(1e3 * (time.process_time() - start) - posed[-1])
    ours, update = statistics.median(posed[1:]), statistics.median(taken[1:])
    low, _, high = statistics.quantiles([one / whole for one, whole in zip(posed[1:], taken[1:], strict=True)], n=4)
    return {
        "ours": round(ours, 3), "peer": round(update, 1), "unit": "ms",
        "ratio": round(ours / update, 5), "spread": [round(low, 5), round(high, 5)],
    }  # fmt: skip


def show(cases: dict) -> None:
    table = Table("case", "ours", "peer", "unit", "ratio", "quartiles")
    for case, row in cases.items():
        table.add_row(case, f"{row['ours']:,}", f"{row['peer']:,}", row["unit"], str(row["ratio"]), str(row["spread"]))
    Console().print(table)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each, in turn")
    parser.add_argument(
        "--lines", type=int, default=8, help=f"of the log, of {EVERY} updates each; the first is left out"
    )
    parser.add_argument("--batch", type=int, default=16_384, help="positions in an update, of all ranks")
    parser.add_argument("--hidden", type=int, default=256, help="width of the model")
    parser.add_argument("--parallel", choices=["ddp", "fsdp"], default="ddp")
    return parser.parse_args()


if __name__ == "__main__":
    main()
