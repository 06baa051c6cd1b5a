"""The cost of an objective in a training step: tokens per second of the trainer's update, relative to `mlm`.

    python benchmarks/objectives.py --json
    python benchmarks/objectives.py --busy --only adaptive --only learned

The text is the documentation inside Python, in rows of 128, with a BPE vocabulary of 16,384; the model is `modern`, 6
layers of 256; a step takes 4,096 positions and is not compiled. Each asks 15 % of the tokens. Timed is an update as a
whole: reading the rows, the problem, the loss, the gradient, the optimizer and what the objective learns from it. A
ratio of 0.97 says that the objective costs 3 % of a step.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import torch
from steps.measure import Comparison, take_turns
from steps.tell import tell

from maskwright import Config, Trainer

PLAIN = "mlm"
OBJECTIVES = ("adaptive", "learned", "span", "whole_word", "remask", "remask_binary", "electra")
TOKENS = 4096
RUN = {
    "corpus": {"name": "embedded"},
    "tokenizer": {"size": 16_384},
    "rows": {"length": 128},
    "model": {"name": "modern", "hidden": 256, "layers": 6, "heads": 4, "intermediate": 688, "max_length": 128},
    "training": {"steps": 100_000, "batch_tokens": TOKENS, "compile": False},
}


def main() -> None:
    options = parsed()
    if options.busy:
        torch.set_num_threads(1)
    names = options.only or list(OBJECTIVES)
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: updates(name, Path(folder) / name) for name in (PLAIN, *names)}
        clock = time.process_time if options.busy else time.perf_counter
        seconds = take_turns(runs, options.repeats, warmup=3, finish=lambda: None, clock=clock)
    cases = {name: Comparison(seconds[name], seconds[PLAIN], TOKENS).as_json("tokens/s") for name in names}
    tell(cases, options.json, "tokens/s of a step", "objective", "with it", PLAIN)


def updates(name: str, out: Path) -> Callable[[], None]:
    """The next update of a run with this objective, each time it is called."""
    trainer = Trainer(Config.of(RUN | {"objective": {"name": name, "ratio": 0.15}}), out, show=False)
    steps = count()

    def update() -> None:
        trainer.update(trainer.data.loader.batch(next(steps), trainer.steps))

    return update


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--only", action="append", choices=OBJECTIVES, help="an objective; may be given several times")
    parser.add_argument("--repeats", type=int, default=25, help="rounds, of one update each")
    parser.add_argument("--busy", action="store_true", help="one thread and its own time, where others use it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
