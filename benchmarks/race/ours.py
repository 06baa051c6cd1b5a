"""Our side: the preset a user would take, at the size of the race, under our trainer."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from maskwright.attention import BOTH, mask, positions
from maskwright.data.rows import Rows
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer
from race.clock import Clock, Curve
from race.text import Text, score

RATIO = 0.3
"""Of tokens that are hidden, as on the other side: more questions a token than 15 % (Wettig et al. 2023)."""
OTHERS = 0.8
"""The learning rate of embeddings and vectors, as a share of that of the matrices."""
SCHEDULE = {"warmup": 0.05, "decay": "linear", "floor": 0.0}


def logits_of(model: nn.Module):
    """How it is examined: no document sees another, as in training."""

    def predict_logits(rows: Rows, shown: Tensor, target_positions: Tensor) -> Tensor:
        model.eval()
        seen = mask(rows.document, torch.full_like(rows.ids, BOTH))
        logits = model.logits(model(shown, seen, positions(rows.document)).flatten(0, 1)[target_positions])
        model.train()
        return logits

    return predict_logits


class Examined(Trainer):
    """A trainer whose validation is the exam, off the clock."""

    def __init__(self, config: Config, folder: Path, text: Text, every: int):
        super().__init__(config, folder, show=False)
        self.batch, self.last = config.training.batch_tokens, 0
        self.clock = Clock(lambda: score(logits_of(self.model), text), every)

    def validate(self, *_, **__) -> dict[str, float]:
        self.clock.at(self.step * self.batch, self.step == self.steps)
        return {"valid/loss": self.clock.curve.loss[-1]}


def race(
    text: Text,
    sizes: dict[str, int],
    lr: float,
    tokens: int,
    batch_tokens: int,
    every: int,
    seed: int = 0,
    changes: Sequence[str] = (),
) -> Curve:
    """One run over `tokens` tokens at peak learning rate `lr`, examined each `every` tokens; `changes` as in
    `maskwright train`."""
    config = Config.of(tree(text, sizes, lr, tokens, batch_tokens, every, seed), list(changes))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Examined(config, Path(folder), text, every)
        trainer.train()
    return trainer.clock.curve


def tree(
    text: Text, sizes: dict[str, int], lr: float, tokens: int, batch_tokens: int, every: int, seed: int
) -> dict[str, Any]:
    """The run as a user would write it down."""
    return {
        "corpus": {"name": "files", "files": list(text.corpus.files), "valid": list(text.corpus.valid)},
        "tokenizer": {"kind": "bpe", "size": text.shards.vocabulary.size},
        "rows": {"length": text.train.length},
        "model": {"name": "modern", **sizes},
        "objective": {"name": "mlm", "ratio": RATIO},
        "optimizer": {"name": "muon", "lr": lr, "adamw_lr_ratio": OTHERS},
        "training": {"tokens": tokens, "batch_tokens": batch_tokens, "checkpoint_every": 10**9, **SCHEDULE},
        "evaluation": {"every": every // batch_tokens},
        "seed": seed,
    }
