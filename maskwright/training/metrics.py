"""Counts what a run has seen, and how the questions since the last line of the log were answered."""

from math import isfinite
from time import monotonic
from typing import Any

import torch
from torch import Tensor

from ..data.rows import Rows
from ..distributed.ranks import World
from .flops import Flops
from .step import MicroBatch


class RunningMetrics:
    """What the device finds out stays there until it is read, so that counting waits for nothing."""

    def __init__(self, device: torch.device, world: World, flops: Flops, peak: float):
        self.world, self.flops, self.peak = world, flops, peak
        """`peak` is what this rank's device multiplies at best, in operations a second."""
        self.sums = torch.zeros(7, dtype=torch.float64)
        """Of this rank since the last reading: loss, weight, right answers, questions; maskable positions, positions
        without padding, words between blanks."""
        self.found = torch.zeros(2, dtype=torch.float64, device=device)
        """The share of loss and right answers that is still on the device."""
        self.operations = 0.0
        """Of the matrix products of this rank since the last reading."""
        self.tokens = self.words = 0
        """Positions without padding, and words, of all ranks from the beginning to the last reading."""
        self.seconds = 0.0
        """Of training, over all attempts."""
        self._began, self._read = 0.0, (0, 0.0)

    def see(self, rows: Rows) -> None:
        """Take in the text of an update, however often it is asked about."""
        counts = [int(rows.maskable.sum()), int((rows.document >= 0).sum()), rows.words]
        self.sums[4:] += torch.tensor(counts, dtype=torch.float64)

    def count(self, micro: MicroBatch, loss: Tensor, correct: Tensor) -> None:
        """Take in a micro-batch: the loss [N] and correctness [N] of its questions."""
        self.sums[1] += micro.weight
        self.sums[3] += micro.count
        self.found[0] += (loss * micro.weights).sum()
        self.found[1] += correct[: micro.count].sum()
        rows, length = micro.inputs.shape
        self.operations += self.flops.of(rows, length, len(micro.asked))

    def start(self) -> None:
        """An update begins."""
        self._began = monotonic()

    def stop(self) -> None:
        """An update is done."""
        self.seconds += monotonic() - self._began

    def summed(self) -> Tensor:
        """The sums since the last reading, of all ranks. Raises ValueError when the loss is not finite."""
        sums = self.sums.clone()
        sums[[0, 2]] += self.found.cpu()
        sums = self.world.sum(sums)
        if not isfinite(loss := float(sums[0])):
            raise ValueError(f"the loss is {loss}: lower optimizer.lr, or set training.precision=fp32")
        return sums

    def read(self) -> dict[str, float]:
        """The means since the last reading. Raises ValueError when the loss is not finite."""
        self.start()
        loss, weight, right, count, maskable, *seen = self.summed().tolist()
        self.stop()  # what the device had still to do is time of the updates
        self.sums.zero_()
        self.found.zero_()
        self.tokens, self.words = self.tokens + int(seen[0]), self.words + int(seen[1])
        tokens, took = self.tokens - self._read[0], max(self.seconds - self._read[1], 1e-9)
        self._read = self.tokens, self.seconds
        done, self.operations = self.world.total(self.operations), 0.0
        return {
            "loss": loss / weight,
            "accuracy": right / count,
            "mask_ratio": count / max(maskable, 1),
            "tokens": self.tokens,
            "words": self.words,
            "seconds": self.seconds,
            "tokens_per_second": tokens / took,
            "mfu": done / took / self.world.total(self.peak),
        }

    def state(self) -> dict[str, Any]:
        """The counts, for the checkpoint (the sums are tensors and go with the tensors)."""
        return {"tokens": self.tokens, "words": self.words, "seconds": self.seconds}

    def restore(self, state: dict[str, Any], sums: Tensor) -> None:
        """Take up the counts and sums of a checkpoint."""
        self.tokens, self.words, self.seconds = state["tokens"], state["words"], state["seconds"]
        if self.world.first:
            self.sums.copy_(sums)
            self.found.copy_(sums[[0, 2]])
            self.sums[[0, 2]] = 0.0
        self._read = self.tokens + int(sums[5]), self.seconds  # the next speed is that since the resume
