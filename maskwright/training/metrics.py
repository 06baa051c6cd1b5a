"""Running training metrics: totals since the start of the run, and sums since the last logged line."""

from math import isfinite
from time import monotonic
from typing import Any

import torch
from torch import Tensor

from ..data.rows import Rows
from ..distributed.ranks import World
from ..objectives.base.problem import Problem
from .flops import Flops
from .step import MicroBatch


class RunningMetrics:
    """Sums stay on the device until they are read, so that counting never synchronises."""

    def __init__(self, device: torch.device, world: World, flops: Flops, peak: float):
        self.world, self.flops, self.peak = world, flops, peak
        """`peak` is the peak matrix-product throughput of this rank's device, in FLOP/s."""
        self.sums = torch.zeros(8, dtype=torch.float64)
        """Since the last read, on this rank: weighted loss, weight, correct, targets; maskable positions of the
        problems' rows, non-padding positions, words; micro-batches without a target."""
        self.on_device = torch.zeros(2, dtype=torch.float64, device=device)
        """The part of loss and correct that is still on the device."""
        self.operations = 0.0
        """Matrix-product operations of this rank since the last read."""
        self.tokens = self.words = self.targets = 0
        """Non-padding positions, words and targets of all ranks, from the start to the last read."""
        self.seconds = 0.0
        """Training time, over all attempts."""
        self._began, self._read = 0.0, (0, 0.0)

    def see(self, rows: Rows, problem: Problem, skipped: int) -> None:
        """Count the text of an update, once, however many targets `problem` has; of its micro-batches, `skipped` have
        none."""
        maskable = int(rows.maskable.sum(1)[problem.source_row].sum())  # a row that is asked twice counts twice
        counts = [maskable, int((rows.document >= 0).sum()), rows.words, skipped]
        self.sums[4:] += torch.tensor(counts, dtype=torch.float64)

    def count(self, micro: MicroBatch, loss: Tensor, correct: Tensor) -> None:
        """Count a micro-batch with its loss [N] and correctness [N]."""
        self.sums[1] += micro.weight
        self.sums[3] += micro.count
        self.on_device[0] += (loss * micro.weights).sum()
        self.on_device[1] += correct[: micro.count].sum()
        rows, length = micro.inputs.shape
        self.operations += self.flops.of(rows, length, len(micro.target_positions))

    def start(self) -> None:
        """Start timing an update."""
        self._began = monotonic()

    def stop(self) -> None:
        """Stop timing it."""
        self.seconds += monotonic() - self._began

    def summed(self) -> Tensor:
        """The sums since the last read over all ranks. Raises ValueError when the loss is not finite."""
        sums = self.sums.clone()
        sums[[0, 2]] += self.on_device.cpu()
        sums = self.world.sum(sums)
        if not isfinite(loss := float(sums[0])):
            raise ValueError(f"the loss is {loss}: try a lower optimizer.lr, or training.precision=fp32")
        return sums

    def read(self) -> dict[str, float]:
        """Means since the last read, without loss and accuracy where nothing was asked.

        Raises ValueError when the loss is not finite.
        """
        self.start()
        loss, weight, right, count, maskable, *seen, skipped = self.summed().tolist()
        self.stop()  # reading waits for the device, and that wait is training time
        self.sums.zero_()
        self.on_device.zero_()
        self.tokens, self.words = self.tokens + int(seen[0]), self.words + int(seen[1])
        self.targets += int(count)
        tokens, took = self.tokens - self._read[0], max(self.seconds - self._read[1], 1e-9)
        self._read = self.tokens, self.seconds
        done, self.operations = self.world.total(self.operations), 0.0
        means = {"loss": loss / weight, "accuracy": right / count} if count else {}
        return means | {
            "mask_ratio": count / max(maskable, 1),
            "tokens": self.tokens,
            "words": self.words,
            "seconds": self.seconds,
            "tokens_per_second": tokens / took,
            "mfu": done / took / self.world.total(self.peak),
            "skipped": int(skipped),
        }

    def state(self) -> dict[str, Any]:
        """The totals, for the checkpoint; the sums are tensors and are saved with the other tensors."""
        return {"tokens": self.tokens, "words": self.words, "seconds": self.seconds, "targets": self.targets}

    def restore(self, state: dict[str, Any], sums: Tensor) -> None:
        """Restore the totals and sums of a checkpoint."""
        self.tokens, self.words, self.seconds = state["tokens"], state["words"], state["seconds"]
        self.targets = state.get("targets", 1)  # earlier versions refused whatever asked nothing
        if self.world.first:
            self.sums[: len(sums)].copy_(sums)
            self.on_device.copy_(sums[[0, 2]])
            self.sums[[0, 2]] = 0.0
        self._read = (
            self.tokens + int(sums[5]),
            self.seconds,
        )  # so that the first throughput after a resume excludes earlier attempts
