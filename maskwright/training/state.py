"""Everything of a run that changes, and therefore everything that a checkpoint holds."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..distributed.dtensor import like, put, whole
from ..objectives.base.objective import Objective
from ..run import checkpoint
from ..run.starting.lora import merged
from .average import Average
from .metrics import RunningMetrics

Tensors = dict[str, dict[str, Tensor]]
"""File name to tensor name to tensor."""


@dataclass
class State:
    """The state of a run after `step` updates."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: Average | None
    objective: Objective
    metrics: RunningMetrics
    scaler: torch.amp.GradScaler
    step: int = 0
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
        tensors |= {"average": _whole(self.average.weights)} if self.average else {}
        tensors |= {"objective": learned} if (learned := self.objective.state_dict()) else {}
        facts = {
            "step": self.step,
            "validated": self.validated,
            "metrics": self.metrics.state(),
            "optimizer": rest,
            "scaler": self.scaler.state_dict(),
        }
        return tensors, facts

    def averaged(self) -> AbstractContextManager[None]:
        """Their average in place of the weights, where there is one, while the block runs."""
        return self.average.applied() if self.average else nullcontext()

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
        self.optimizer.load_state_dict(checkpoint.unflatten(optimizer, facts["optimizer"]))
        self.objective.load_state_dict(tensors.get("objective", {}))
        if self.average:
            self.average.restore(tensors["average"])
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
