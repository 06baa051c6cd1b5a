"""Everything of a run that changes, and therefore everything that a checkpoint holds."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from ..distributed.dtensor import like, put, whole
from ..objectives.base.objective import Objective
from ..run import checkpoint
from ..run.starting.lora import merged
from .metrics import RunningMetrics
from .updates.average import Average

Tensors = dict[str, dict[str, Tensor]]
"""File name to tensor name to tensor."""


@dataclass
class State:
    """The state of a run after `step` updates."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    averages: dict[str, Average]
    """Of the weights, by name."""
    objective: Objective
    metrics: RunningMetrics
    scaler: torch.amp.GradScaler
    step: int = 0
    kept: str | None = None
    """The average that is validated and saved in place of the last weights, which are the empty text; by default the
    first, where there is one."""
    validated: bool = True
    """Whether the validation that is due after this step was done; a run that is stopped during one makes it again."""

    def saved(self) -> tuple[Tensors, dict[str, Any]]:
        """Full tensors, and the rest as JSON-serialisable facts. Raises ValueError when the loss is not finite.

        Collective: all ranks must call it at the same time.
        """
        optimizer, rest = checkpoint.flatten(self.optimizer.state_dict())
        tensors = {
            "model": _whole(self.model.state_dict()),
            "optimizer": _whole(optimizer),
            "metrics": {"sums": self.metrics.summed()},
        }
        tensors |= {name: _whole(average.weights) for name, average in self._files()}
        tensors |= {"objective": learned} if (learned := self.objective.state_dict()) else {}
        facts = {
            "step": self.step,
            "validated": self.validated,
            "metrics": self.metrics.state(),
            "optimizer": rest,
            "scaler": self.scaler.state_dict(),
        }
        return tensors, facts

    def _files(self) -> Iterator[tuple[str, Average]]:
        """The averages by the files of a checkpoint; `average` is the one that a checkpoint is opened with."""
        for place, (name, average) in enumerate(self.averages.items()):
            yield name if place else "average", average

    def averaged(self) -> AbstractContextManager[None]:
        """What is kept in place of the weights, while the block runs."""
        name = next(iter(self.averages), "") if self.kept is None else self.kept
        return self.averages[name].applied() if name else nullcontext()

    def keep_best(self, validate: Callable[[], Mapping[str, float]], say: Callable[[str], None]) -> dict[str, float]:
        """Keep the last weights or the average with the lowest loss, and say which. Returns the losses of all."""
        found = {}
        for name in ("", *self.averages):
            self.kept = name
            found[name] = validate().get("valid/loss", inf)
        self.kept = min(found, key=found.__getitem__)
        losses = {name or "last": loss for name, loss in found.items()}
        told = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
        say(f"kept       {self.kept or 'last'} weights, of the loss: {told}")
        return {f"weights/{name}/loss": loss for name, loss in losses.items()}

    def weights(self) -> dict[str, Tensor]:
        """All parameters and persistent buffers of the finished model, unsharded, adapters merged.

        Collective: all ranks must call it at the same time.
        """
        return _whole(merged(self.model))

    @torch.no_grad()
    def restore(self, tensors: Tensors, facts: Mapping[str, Any]) -> None:
        """Load what `saved` returned, whatever the number of ranks was then."""
        for name, parameter in self.model.named_parameters():
            put(parameter, tensors["model"][name])
        optimizer = {key: self._placed(key, tensor) for key, tensor in tensors["optimizer"].items()}
        saved = checkpoint.unflatten(optimizer, facts["optimizer"])
        groups = zip(self.optimizer.param_groups, saved["param_groups"], strict=True)
        saved["param_groups"] = [now | then for now, then in groups]  # an option that is newer than the checkpoint
        self.optimizer.load_state_dict(saved)
        self.objective.load_state_dict(tensors.get("objective", {}))
        for name, average in self._files():
            average.restore(tensors[name])
        self.metrics.restore(facts["metrics"], tensors["metrics"]["sums"])
        self.scaler.load_state_dict(facts["scaler"])
        self.step, self.validated = facts["step"], facts.get("validated", True)

    def _placed(self, key: str, tensor: Tensor) -> Tensor:
        """A tensor of the optimizer state, sharded like its parameter."""
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        parameter = parameters[int(key.partition(".")[0])]
        return like(parameter, tensor) if tensor.shape == parameter.shape else tensor


def _whole(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: whole(tensor.detach()) for name, tensor in tensors.items()}
