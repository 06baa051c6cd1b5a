"""What each switch gives at the size of the race, alone: the loss at the end of the same tokens, and what they cost.

    OMP_NUM_THREADS=1 python benchmarks/switches.py --json
    OMP_NUM_THREADS=1 python benchmarks/switches.py --only default wiring --seeds 3

Our side of `time_to_loss.py`, with one change at a time, under its exam (15 % of the tokens behind [MASK]). Text is
read below MASKWRIGHT_DATA. Every finished run is kept in the folder `--out` and not made again.
"""

import argparse
import json
from pathlib import Path

from race import ours
from race.clock import Curve, kept
from race.text import Text
from time_to_loss import BATCH_TOKENS, SIDES, SIZES

LR = SIDES["ours"].rates[0]
EXAMS = 20
SWITCHES: dict[str, tuple[str, ...]] = {
    "default": (),
    "half the rate": ("optimizer.lr=2.5e-3", "optimizer.adamw_lr_ratio=1.6"),
    "half the rate beside matrices": ("optimizer.adamw_lr_ratio=0.4",),
    "double the rate beside matrices": ("optimizer.adamw_lr_ratio=1.6",),
    "double the rate, half beside matrices": ("optimizer.lr=1e-2", "optimizer.adamw_lr_ratio=0.2"),
    "four times the rate, half beside matrices": ("optimizer.lr=2e-2", "optimizer.adamw_lr_ratio=0.1"),
    "norms of queries and keys": ("model.attention.qk_norm=true",),
    "wiring": ("model.residual.scale=true", "model.residual.first=true", "model.attention.values=first"),
    "rows of equal size (NorMuon)": ("optimizer.row_beta=0.95",),
    "entries of equal size (AdaMuon)": ("optimizer.entry_beta=0.95",),
    "squared ReLU": ("model.feed_forward=relu2", "model.intermediate=1056"),
    "40 % hidden": ("objective.ratio=0.4",),
    "20 % hidden": ("objective.ratio=0.2",),
    "gates of heads": ("model.attention.gate=true",),
    "momentum that rises": ("optimizer.momentum={start: 0.85, end: 0.95, until: 0.1}",),
}
"""By what it is called; `the rate` is that of matrices, and where it alone is named the rest keeps its own."""


def run(name: str, text: Text, tokens: int, seed: int, out: Path) -> Curve:
    """The curve of a switch under a seed."""
    path = out / f"{name.replace(' ', '_')}-{tokens}-seed{seed}.json"
    every = tokens // EXAMS // BATCH_TOKENS * BATCH_TOKENS
    return kept(path, lambda: ours.race(text, SIZES, LR, tokens, BATCH_TOKENS, every, seed, SWITCHES[name]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=float, default=2.5e6)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=list(SWITCHES), choices=list(SWITCHES))
    parser.add_argument("--out", type=Path, default=Path("runs/switches"), help="where finished runs are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    text, tokens = Text(), int(options.tokens) // BATCH_TOKENS * BATCH_TOKENS
    cases = {}
    for name in options.only:
        runs = [run(name, text, tokens, seed, options.out) for seed in range(options.seeds)]
        cases[name] = {"loss": [one.loss[-1] for one in runs], "core s": [one.core_seconds[-1] for one in runs]}
        if not options.json:
            print(f"{name}: loss {cases[name]['loss']}, {cases[name]['core s']} core s", flush=True)
    if options.json:
        print(json.dumps(cases))


if __name__ == "__main__":
    main()
