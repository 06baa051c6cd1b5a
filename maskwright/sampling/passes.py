"""Forward passes, counted: what a text costs, whichever of the models it is that works."""

from typing import Any

from torch import Tensor, nn

from .request import LoadedModels


class ForwardPasses:
    """While it is open, counts the rows that go through the models."""

    def __init__(self, models: LoadedModels):
        self.rows = 0
        self._models = {models.model, models.remasker.model} if models.remasker else {models.model}

    def __enter__(self) -> "ForwardPasses":
        self._hooks = [model.register_forward_hook(self._count) for model in self._models]
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _count(self, model: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        self.rows += len(inputs[0])
