"""What reading backward costs: tokens of text and tokens read a second, and MFU, for p_bw from 0 to 1.

    python benchmarks/utilisation.py --json

A row that is read in both directions is read twice, so p_bw = 1 sees half as much new text in the same time if the
machine is used as well. The model is `quickstart`'s on rows of 128; an update takes 4,096 positions of text and is not
compiled. All probabilities take turns, ten updates each.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.table import Table

from maskwright import Config, Trainer
from maskwright.hardware import cpu_name

P_BW = (0.0, 0.05, 0.1, 0.5, 1.0)
UPDATES = 10
RUN = {
    "corpus": {"name": "embedded"},
    "tokenizer": {"size": 4096},
    "rows": {"length": 128},
    "model": {"name": "modern", "hidden": 128, "layers": 3, "heads": 2, "intermediate": 352, "max_length": 128},
    "training": {"steps": 100_000, "batch_tokens": 4096, "compile": False},
}


def main() -> None:
    options = parsed()
    with tempfile.TemporaryDirectory() as folder:
        trainers = {p: trainer(p, Path(folder) / str(p)) for p in P_BW}
        steps = {p: count() for p in P_BW}
        for p in P_BW:
            turn(trainers[p], steps[p])
            trainers[p].state.metrics.read()  # the first turn is the warm-up
        for _ in range(options.repeats):
            for p in P_BW:
                turn(trainers[p], steps[p])
        cases = {f"p_bw={p:g}": figures(p, trainers[p]) for p in P_BW}
    if options.json:
        print(json.dumps({"machine": cpu_name(), "run": RUN, "cases": cases}))
        return
    table = Table("p_bw", "tokens of text/s", "tokens read/s", "MFU")
    for name, row in cases.items():
        table.add_row(name, f"{row['text_per_second']:,}", f"{row['read_per_second']:,}", f"{row['mfu']:.1%}")
    Console().print(table)


def trainer(p_bw: float, out: Path) -> Trainer:
    return Trainer(Config.of(RUN | {"objective": {"name": "mirror", "p_bw": p_bw}}), out, show=False)


def turn(trainer: Trainer, steps: Iterator[int]) -> None:
    metrics = trainer.state.metrics
    for _ in range(UPDATES):
        rows = trainer.data.loader.batch(next(steps), trainer.steps)
        metrics.start()
        trainer.update(rows)
        metrics.stop()


def figures(p_bw: float, trainer: Trainer) -> dict[str, float]:
    """Speeds since the warm-up; a row is read again with probability p_bw."""
    found = trainer.state.metrics.read()
    text = found["tokens_per_second"]
    return {
        "p_bw": p_bw,
        "text_per_second": round(text), "read_per_second": round(text * (1 + p_bw)), "mfu": round(found["mfu"], 4)
    }  # fmt: skip


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--repeats", type=int, default=10, help="rounds, of ten updates of each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
