"""Passes the epoch of a `transformers.Trainer` to a collator, copies in data workers included."""

from typing import Any

from torch import Tensor
from transformers import TrainerCallback, TrainerState, TrainingArguments


class Epochs(TrainerCallback):
    """Writes the epoch that begins, and how many there are, into shared memory: [2] int64."""

    def __init__(self, clock: Tensor) -> None:
        self.clock = clock

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: object, **rest: Any) -> None:
        self.clock[0], self.clock[1] = int(state.epoch or 0), max(state.num_train_epochs, 1)
