"""Averages of the weights over steps, used for validation and the saved model.

Exponential (Polyak and Juditsky 1992), or the mean over the end of the run, which is exactly that: stochastic weight
averaging (Izmailov et al. 2018, arXiv 1803.05407, section 3.1).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ...distributed.dtensor import put
from ...run.sections import Training


def averages(model: nn.Module, training: Training, steps: int) -> "dict[str, Average]":
    """The averages that `training` asks for in a run of so many steps, by name: `average` over its end, `ema`."""
    found = {}
    if training.average:
        found["average"] = Average(model, over_the_end(training.average, steps))
    if training.ema:
        found["ema"] = Average(model, moving(training.ema))
    if training.ema_span:
        found["ema"] = Average(model, moving_over(training.ema_span, steps))
    return found


def moving(decay: float) -> Callable[[int], float]:
    """How much the weights after each step weigh in an exponential moving average."""
    return lambda step: 1 - decay


def moving_over(share: float, steps: int) -> Callable[[int], float]:
    """The same with a memory of this share of `steps`: a decay of 1 − 1 / (share · steps), and at first the plain mean,
    so that the weights at the start, which are random, are forgotten however long the memory is."""
    return lambda step: max(1 / max(1.0, share * steps), 1 / (step + 1))


def over_the_end(share: float, steps: int) -> Callable[[int], float]:
    """The same in the mean over the last `share` of `steps`, at least of one; before that, only the latest count."""
    first = steps - max(1, round(share * steps))
    return lambda step: 1 / max(1, step - first + 1)


class Average:
    """The average of a model's parameters.

    latest: how much the parameters weigh that a step, counted from 0, has led to; what came before weighs the rest.
    """

    def __init__(self, model: nn.Module, latest: Callable[[int], float]):
        self.latest, self.parameters = latest, dict(model.named_parameters())
        self.weights = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """average += latest · (weights − average)."""
        torch._foreach_lerp_(list(self.weights.values()), list(self.parameters.values()), self.latest(step))

    def restore(self, weights: dict[str, Tensor]) -> None:
        """Load the averaged weights of a checkpoint."""
        for name, weight in weights.items():
            put(self.weights[name], weight)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Swap the averaged weights into the model while the block runs."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self.parameters.items():
            kept = parameter.detach().clone()
            parameter.copy_(self.weights[name])
            self.weights[name].copy_(kept)
