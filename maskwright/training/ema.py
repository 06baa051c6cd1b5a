"""Exponential moving average of the weights (Polyak and Juditsky 1992), used for validation and the saved model."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..distributed.dtensor import put


class EMA:
    """The moving average of a model's parameters."""

    def __init__(self, model: nn.Module, decay: float):
        self.decay, self.parameters = decay, dict(model.named_parameters())
        self.weights = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """average += (1 - decay) * (weights - average)."""
        torch._foreach_lerp_(list(self.weights.values()), list(self.parameters.values()), 1 - self.decay)

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
