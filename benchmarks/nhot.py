"""Tokens per second of a training step with n-hot embeddings, compared with the same step without.

    python benchmarks/nhot.py --json
    python benchmarks/nhot.py --only add --busy

The text is the documentation inside Python: rows of 128, a BPE vocabulary of 16,384, targets at 15 % of positions;
the model is `modern`, 6 layers of 256. A step is as in train_step.py, not compiled. All fusions take turns. A ratio of
0.95 says that the fusion costs 5 % of a step.
"""

import argparse
import time
from collections.abc import Callable

import torch
from steps.measure import Comparison, take_turns
from steps.task import step
from steps.tell import tell
from torch import Tensor

from maskwright.layers.nhot import FUSIONS
from maskwright.prediction import problem_loss
from maskwright.run import build
from maskwright.run.config import Config
from maskwright.training.step import micro_batch

MODEL = {"name": "modern", "hidden": 256, "layers": 6, "heads": 4, "intermediate": 688, "max_length": 128}
RUN = {"corpus": {"name": "embedded"}, "tokenizer": {"size": 16_384}, "training": {"steps": 1, "batch_tokens": 4096}}
WITHOUT = "without"


def main() -> None:
    options = parsed()
    if options.busy:
        torch.set_num_threads(1)
    fusions = options.only or list(FUSIONS)
    data = build.data(Config.of(RUN), show=False)
    runs = {name: update(data, name) for name in [WITHOUT, *fusions]}
    clock = time.process_time if options.busy else time.perf_counter
    seconds = take_turns(runs, options.repeats, warmup=3, finish=lambda: None, clock=clock)
    tokens = RUN["training"]["batch_tokens"]
    cases = {name: Comparison(seconds[name], seconds[WITHOUT], tokens).as_json("tokens/s") for name in fusions}
    tell(cases, options.json, "tokens/s", "fusion", "with", "without")


def configured(fusion: str) -> Config:
    """The run of a fusion."""
    nhot = {} if fusion == WITHOUT else {"nhot": {"fusion": fusion}}
    return Config.of(RUN | {"model": MODEL | nhot})


def update(data: build.Data, fusion: str) -> Callable[[], None]:
    """A step of the model with this fusion, on the first rows of the text."""
    config, cpu = configured(fusion), torch.device("cpu")
    model = build.model(config, data.shards, cpu)
    rows = next(iter(data.loader.batches(0, 1)))
    batch = micro_batch(rows, config.objective(rows, seed=0), cpu)

    def loss() -> Tensor:
        return problem_loss(model, batch.inputs, batch.mask, batch.positions, batch.target_positions, batch.targets)[
            0
        ].mean()

    return step(model, loss, cpu)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--only", action="append", choices=list(FUSIONS), help="a fusion; may be given several times")
    parser.add_argument("--repeats", type=int, default=9, help="rounds, of one step each")
    parser.add_argument("--busy", action="store_true", help="one thread and its own time, where others use it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
