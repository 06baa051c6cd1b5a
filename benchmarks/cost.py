"""What a run will cost, on paper: operations and memory from the model's shapes, hours from an assumed rate.

    python benchmarks/cost.py
    python benchmarks/cost.py --model modern-base --rate 250e12 --words 1e9

Nothing is trained. The rate is FLOP/s reached: the peak of the device times the MFU that a run's
log says; that of two processor cores is what `train_step.py` reached. Memory is weights, gradients and two moments of
the optimizer (16 bytes a weight) and what waits for the backward pass of a micro-batch, counted in float32: bfloat16
autocast keeps less.
"""

import argparse
import json
import sys
from collections.abc import Callable
from unittest.mock import patch

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from maskwright.prediction import problem_loss
from maskwright.settings import from_mapping, registry
from maskwright.training.activation_checkpointing import checkpoint_activations
from maskwright.training.flops import Flops

RATES = {"two cores": 0.27e12, "one H200": 0.25 * 989e12, "eight H200": 8 * 0.9 * 0.25 * 989e12}
"""FLOP/s: measured; a quarter of the published peak, assumed; eight times nine tenths of that, assumed."""
MODELS = {"ltg-bert-small": 1e8, "modern-small": 1e8, "ltg-bert-base": 1e9, "modern-base": 1e9}
"""Words that the tracks of the BabyLM challenge allow: ten times 10M for a small model, 100M for a base one."""
LENGTH, MICRO, VOCABULARY = 128, 16_384, 16_384
TOKENS_A_WORD = 1.35
"""Of 16,384 byte-pair tokens on English text, about."""


def main() -> None:
    options = parsed()
    models = {options.model: options.words} if options.model else MODELS
    rates = {"the rate given": options.rate} if options.rate else RATES
    rows = {name: cost(name, words, options.ratio, rates) for name, words in models.items()}
    print(json.dumps(rows)) if options.json else show(rows)


def cost(name: str, words: float, ratio: float, rates: dict[str, float]) -> dict[str, float]:
    """The numbers of one model."""
    kind, preset = registry.load("models", name)
    settings = from_mapping(kind, preset | {"max_length": 512}, "model")
    with patch.object(sys.modules[kind.__module__], "fresh", shapes):
        model = settings.build(VOCABULARY, torch.Generator())
    targets = round(ratio * MICRO)
    per_token = Flops(model).of(MICRO // LENGTH, LENGTH, targets) / MICRO
    weights = sum(weight.numel() for weight in model.parameters())
    found = {
        "parameters": weights,
        "MFLOP per token": per_token / 1e6,
        "GB": (16 * weights + kept(model, targets)) / 1e9,
    }
    checkpoint_activations(model)
    found["GB, recomputing"] = (16 * weights + kept(model, targets)) / 1e9
    for device, rate in rates.items():
        found[f"{device}, tokens/s"] = rate / per_token
        found[f"{device}, hours"] = words * TOKENS_A_WORD * per_token / rate / 3600
    return found


def shapes(make: Callable[[], nn.Module], generator: torch.Generator) -> nn.Module:
    """The module that `make` gives, without numbers."""
    with torch.device("meta"):
        return make()


def kept(model: nn.Module, targets: int) -> int:
    """Bytes that wait for the backward pass of a micro-batch, float32, each storage once."""
    inputs = torch.zeros(MICRO // LENGTH, LENGTH, dtype=torch.int64, device="meta")
    places = torch.zeros(targets, dtype=torch.int64, device="meta")
    storages: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storages[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        problem_loss(model, inputs, None, inputs, places, places)
    own = {weight.untyped_storage()._cdata for weight in model.parameters()}
    return sum(storage.nbytes() for place, storage in storages.items() if place not in own)


def show(rows: dict[str, dict[str, float]]) -> None:
    names = list(next(iter(rows.values())))
    table = Table("", *rows)
    for name in names:
        table.add_row(
            name, *(f"{row[name]:,.3g}" if row[name] < 1000 else f"{row[name]:,.0f}" for row in rows.values())
        )
    Console().print(table)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--model", help="a preset; none for those of the BabyLM tracks")
    parser.add_argument("--words", type=float, default=1e8, help="to see, with --model")
    parser.add_argument("--rate", type=float, help="FLOP/s reached")
    parser.add_argument("--ratio", type=float, default=0.15, help="fraction of positions with a target")
    return parser.parse_args()


if __name__ == "__main__":
    main()
